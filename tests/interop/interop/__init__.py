"""Clients and verifiers that are not ours, against a running gateway. See scripts/interop."""
