"""One module for each family of dialects: `settings()`, `clients(node)` and `verifiers(node)`."""

from . import aws, azure, clouds, documented, exchanges, gateways, requests, rfc9421, vendors, webhooks

FAMILIES = (webhooks, aws, azure, requests, vendors, clouds, exchanges, gateways, rfc9421, documented)
