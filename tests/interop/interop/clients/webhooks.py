"""Webhooks whose vendors ship a signer or a verifier."""

import asyncio
import datetime
import json
import time
import types
import urllib.parse

import discord_interactions
import hubspot.utils.signature
import linebot.v3.webhook
import nacl.signing
import slack_sdk.signature
import square.utils.webhooks_helper as square_helper
import standardwebhooks
import stripe
import svix.webhooks
import twilio.request_validator
from paddle_billing.Notifications import PaddleSignature, Secret, Verifier as PaddleVerifier
from twitchAPI.eventsub.webhook import EventSubWebhook

from ..model import SECRET, Client, Request, Setting, Verifier, installed
from ..node import asked

ORIGIN = "https://hooks.example.com"
URL = f"{ORIGIN}/hooks/receive?tenant=7"
WHSEC = "whsec_" + SECRET
DISCORD = nacl.signing.SigningKey(bytes.fromhex(SECRET))
DISCORD_PUBLIC = DISCORD.verify_key.encode().hex()
SLACK = slack_sdk.signature.SignatureVerifier(SECRET)


def settings():
    simple = "github shopify square stripe paddle slack zoom twitch twilio twilio-json hubspot".split()
    yield from (Setting(name, name, ORIGIN) for name in simple)
    yield from (Setting(name, name, ORIGIN, secret=WHSEC) for name in ("svix", "standard-webhooks"))
    events = {"from": "{header:Shopify-Hmac-SHA256}", "encoding": "base64", "algorithm": "hmac-sha256"}
    yield Setting("shopify-events", "shopify", ORIGIN, changes={"signature": events})
    line = {"from": "{header:X-Line-Signature}", "encoding": "base64", "algorithm": "hmac-sha256"}
    yield Setting("line", "shopify", ORIGIN, changes={"signature": line})
    yield Setting("discord", "discord", ORIGIN, secret=DISCORD_PUBLIC, signing_secret=SECRET)


def event(number):
    """What Stripe, Zoom and the others want to see in an event."""
    return json.dumps(
        {"id": f"evt_{number}", "object": "event", "type": "lamp.on", "event": "lamp.on", "payload": {"lamp": number}},
        separators=(",", ":"),
    )


def posted(headers, body, url=URL, media="application/json"):
    return Request.to(url, "POST", [("Content-Type", media), *headers.items()], body)


def clients(node):
    def client(setting, by, headers):
        return Client(setting, by, lambda number: posted(headers(number, event(number)), event(number)))

    def github(_, body):
        return {"X-Hub-Signature-256": node.ask("github.sign", body=body, secret=SECRET)}

    def by_node(what, secret):
        return lambda number, body: node.ask(what, body=body, secret=secret, id=f"msg_{number}")

    yield client("github", node.version("@octokit/webhooks-methods"), github)
    yield client("slack", installed("slack_sdk"), slack)
    yield client("stripe", installed("stripe"), stripe_headers)
    stripe_node = by_node("stripe.sign", SECRET)
    yield client("stripe", node.version("stripe"), lambda *a: {"Stripe-Signature": stripe_node(*a)})
    yield client("paddle", installed("paddle-python-sdk"), paddle)
    yield client("svix", installed("svix"), lambda *a: stamped("svix", svix.webhooks.Webhook(WHSEC), *a))
    yield client("svix", node.version("svix"), by_node("svix.sign", WHSEC))
    standard = standardwebhooks.Webhook(WHSEC)
    yield client("standard-webhooks", installed("standardwebhooks"), lambda *a: stamped("webhook", standard, *a))
    yield client("standard-webhooks", node.version("standardwebhooks"), by_node("standard.sign", WHSEC))
    yield client("discord", installed("pynacl"), discord)
    yield client("hubspot", installed("hubspot-api-client"), hubspot_headers)
    yield from twilio_clients(node)


def slack(_, body):
    now = str(int(time.time()))
    return {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": SLACK.generate_signature(timestamp=now, body=body)}


def stripe_headers(_, body):
    return {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body, SECRET)}


def paddle(_, body):
    now = int(time.time())
    mac = PaddleSignature.calculate_hmac(SECRET, f"{now}:{body}".encode()).hexdigest()
    return {"Paddle-Signature": f"ts={now};h1={mac}"}


def stamped(prefix, webhook, number, body):
    now = datetime.datetime.now(datetime.timezone.utc)
    signature = webhook.sign(f"msg_{number}", now, body)
    return {f"{prefix}-id": f"msg_{number}", f"{prefix}-timestamp": f"{now:%s}", f"{prefix}-signature": signature}


def discord(_, body):
    now = str(int(time.time()))
    return {"X-Signature-Timestamp": now, "X-Signature-Ed25519": DISCORD.sign(f"{now}{body}".encode()).signature.hex()}


def hubspot_headers(_, body):
    now = str(int(time.time() * 1000))
    signature = hubspot.utils.signature.Signature.get_signature(SECRET, body, "v3", URL, "POST", now)
    return {"X-HubSpot-Request-Timestamp": now, "X-HubSpot-Signature-v3": signature}


def twilio_clients(node):
    validator = twilio.request_validator.RequestValidator(SECRET)

    def fields(number):
        return {"CallSid": f"CA{number}", "From": "+14155550100", "Body": "the lamp is on & bright"}

    def form(number, signature):
        body = urllib.parse.urlencode(fields(number))
        return posted({"X-Twilio-Signature": signature}, body, media="application/x-www-form-urlencoded")

    def in_json(number, signed):
        url = f"{URL}&bodySHA256={node.ask('twilio.digest', body=event(number))}"
        return posted({"X-Twilio-Signature": signed(url, {})}, event(number), url)

    def by_node(url, values):
        return node.ask("twilio.sign", url=url, fields=values, secret=SECRET)

    python, javascript = installed("twilio"), node.version("twilio")
    yield Client("twilio", python, lambda number: form(number, validator.compute_signature(URL, fields(number))))
    yield Client("twilio", javascript, lambda number: form(number, by_node(URL, fields(number))))
    yield Client("twilio-json", python, lambda number: in_json(number, validator.compute_signature))
    yield Client("twilio-json", javascript, lambda number: in_json(number, by_node))


def verifiers(node):
    def javascript(setting, package, what, secret=SECRET):
        def verify(request):
            fields = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
            return node.ask(what, **asked(request), secret=secret, fields=fields)

        return Verifier(setting, node.version(package), verify)

    yield Verifier("slack", installed("slack_sdk"), lambda sent: SLACK.is_valid_request(sent.body, sent.fields()))
    yield javascript("slack", "@slack/bolt", "slack.verify")
    yield javascript("github", "@octokit/webhooks-methods", "github.verify")
    yield Verifier("stripe", installed("stripe"), of_stripe)
    yield javascript("stripe", "stripe", "stripe.verify")
    yield Verifier("paddle", installed("paddle-python-sdk"), of_paddle)
    yield javascript("paddle", "@paddle/paddle-node-sdk", "paddle.verify")
    yield Verifier("svix", installed("svix"), lambda sent: verified(svix.webhooks.Webhook(WHSEC), sent))
    yield javascript("svix", "svix", "svix.verify", WHSEC)
    standard = standardwebhooks.Webhook(WHSEC)
    yield Verifier("standard-webhooks", installed("standardwebhooks"), lambda sent: verified(standard, sent))
    yield javascript("standard-webhooks", "standardwebhooks", "standard.verify", WHSEC)
    yield Verifier("discord", installed("discord-interactions"), of_discord)
    yield javascript("discord", "discord-interactions", "discord.verify", DISCORD_PUBLIC)
    yield Verifier("square", installed("squareup"), of_square)
    yield javascript("square", "square", "square.verify")
    yield Verifier("twilio", installed("twilio"), of_twilio)
    yield javascript("twilio", "twilio", "twilio.verify")
    yield Verifier("twilio-json", installed("twilio"), of_twilio)
    yield javascript("twilio-json", "twilio", "twilio.verifyBody")
    yield javascript("shopify", "@shopify/shopify-api", "shopify.verify")
    yield javascript("shopify-events", "@shopify/shopify-api", "shopify.verify")
    yield javascript("zoom", "@zoom/rivet", "zoom.verify")
    yield Verifier("twitch", installed("twitchAPI"), of_twitch)
    yield Verifier("hubspot", installed("hubspot-api-client"), of_hubspot)
    line = linebot.v3.webhook.SignatureValidator(SECRET)
    yield Verifier(
        "line", installed("line-bot-sdk"), lambda sent: line.validate(sent.body.decode(), sent.header("X-Line-Signature"))
    )


def lowered(request):
    return {name.lower(): value for name, value in request.headers}


def verified(webhook, request):
    """It raises where the signature is not good."""
    webhook.verify(request.body, lowered(request))
    return True


def of_stripe(request):
    header = request.header("Stripe-Signature")
    return bool(stripe.Webhook.construct_event(request.body, header, SECRET))


def of_paddle(request):
    sent = types.SimpleNamespace(headers=request.fields(), body=request.body, content=None, data=None)
    return PaddleVerifier(60).verify(sent, Secret(SECRET))


def of_discord(request):
    signature, time_sent = request.header("X-Signature-Ed25519"), request.header("X-Signature-Timestamp")
    return discord_interactions.verify_key(request.body, signature, time_sent, DISCORD_PUBLIC)


def of_square(request):
    return square_helper.verify_signature(
        request_body=request.body.decode(),
        signature_header=request.header("X-Square-HmacSha256-Signature"),
        signature_key=SECRET,
        notification_url=request.url(),
    )


def of_twilio(request):
    validator, form = twilio.request_validator.RequestValidator(SECRET), "bodySHA256=" not in request.query
    body = request.body.decode()
    given = dict(urllib.parse.parse_qsl(body, keep_blank_values=True)) if form else body
    return validator.validate(request.url(), given, request.header("X-Twilio-Signature"))


def of_twitch(request):
    """The library's own check, which it makes of each request before it looks at it."""

    async def text():
        return request.body.decode()

    check = EventSubWebhook._verify_signature  # pylint: disable=protected-access
    sent = types.SimpleNamespace(headers=request.fields(), text=text)
    return asyncio.run(check(types.SimpleNamespace(secret=SECRET), sent))


def of_hubspot(request):
    return hubspot.utils.signature.Signature.is_valid(
        signature=request.header("X-HubSpot-Signature-v3"),
        client_secret=SECRET,
        request_body=request.body.decode(),
        http_uri=request.url(),
        http_method=request.method,
        signature_version="v3",
        timestamp=request.header("X-HubSpot-Request-Timestamp"),
    )
