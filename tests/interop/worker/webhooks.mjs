// What the vendors' packages sign (where they can) and verify. `headers` have lower-case names, `body` is text.
import "@shopify/shopify-api/adapters/node";

import { Paddle } from "@paddle/paddle-node-sdk";
import { LogSeverity, shopifyApi } from "@shopify/shopify-api";
import { isValidSlackRequest } from "@slack/bolt";
import { AwsLambdaReceiver } from "@zoom/rivet/users";
import { verifyKey } from "discord-interactions";
import { sign, verify } from "@octokit/webhooks-methods";
import { WebhooksHelper } from "square";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";
import twilioPackage from "twilio";

export const github = {
  sign: ({ body, secret }) => sign(secret, body),
  verify: ({ body, secret, headers }) => verify(secret, body, headers["x-hub-signature-256"]),
};

export const slack = {
  verify: ({ body, secret, headers }) => isValidSlackRequest({ signingSecret: secret, body, headers }),
};

const { webhooks: stripeWebhooks } = new Stripe("sk_test_unused");

export const stripe = {
  sign: ({ body, secret }) => stripeWebhooks.generateTestHeaderString({ payload: body, secret }),
  verify: ({ body, secret, headers }) =>
    Boolean(stripeWebhooks.constructEvent(body, headers["stripe-signature"], secret)),
};

export const svix = {
  sign: ({ body, secret, id }) => stamped(new SvixWebhook(secret), "svix", id, body),
  verify: ({ body, secret, headers }) => Boolean(new SvixWebhook(secret).verify(body, headers)),
};

export const standard = {
  sign: ({ body, secret, id }) => stamped(new StandardWebhook(secret), "webhook", id, body),
  verify: ({ body, secret, headers }) => Boolean(new StandardWebhook(secret).verify(body, headers)),
};

function stamped(webhook, prefix, id, body) {
  const now = new Date();
  return {
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: String(Math.floor(now.getTime() / 1000)),
    [`${prefix}-signature`]: webhook.sign(id, now, body),
  };
}

export const twilio = {
  sign: ({ url, fields, secret }) => twilioPackage.getExpectedTwilioSignature(secret, url, fields),
  digest: ({ body }) => twilioPackage.getExpectedBodyHash(body),
  verify: ({ url, fields, secret, headers }) =>
    twilioPackage.validateRequest(secret, headers["x-twilio-signature"], url, fields),
  verifyBody: ({ url, body, secret, headers }) =>
    twilioPackage.validateRequestWithBody(secret, headers["x-twilio-signature"], url, body),
};

export const discord = {
  verify: ({ body, secret, headers }) =>
    verifyKey(body, headers["x-signature-ed25519"], headers["x-signature-timestamp"], secret),
};

export const square = {
  verify: ({ body, secret, headers, url }) =>
    WebhooksHelper.verifySignature({
      requestBody: body,
      signatureHeader: headers["x-square-hmacsha256-signature"],
      signatureKey: secret,
      notificationUrl: url,
    }),
};

const { webhooks: paddleWebhooks } = new Paddle("unused");

export const paddle = {
  verify: ({ body, secret, headers }) =>
    paddleWebhooks.isSignatureValid(body, secret, headers["paddle-signature"]),
};

export const shopify = {
  async verify({ body, secret, headers }) {
    const settings = { apiKey: "unused", hostName: "example.com", isEmbeddedApp: false, apiVersion: "2025-10" };
    const api = shopifyApi({ ...settings, apiSecretKey: secret, logger: { level: LogSeverity.Error } });
    const rawRequest = { method: "POST", url: "/", headers, rawHeaders: Object.entries(headers).flat() };
    const result = await api.webhooks.validate({ rawBody: body, rawRequest });
    // The topic's headers, which are not signed, are no concern of ours.
    return result.valid || !["invalid_hmac", "missing_hmac"].includes(result.reason);
  },
};

export const zoom = {
  async verify({ body, secret, headers }) {
    const receiver = new AwsLambdaReceiver({ webhooksSecretToken: secret });
    receiver.init({ eventEmitter: { emit: async () => {} } });
    const answer = await receiver.start()({ headers, body, isBase64Encoded: false }, {});
    return answer.statusCode === 200;
  },
};
