"""Exchanges: by their own connectors and by ccxt."""

import itertools
import json
import time
import urllib.parse

import ccxt
import krakenex
from binance.api import API as BinanceConnector
from binance.lib.authentication import hmac_hashing

from ..model import ID, SECRET, Client, Request, Setting, Verifier, installed
from ..wire import caught

BINANCE, COINBASE, KRAKEN = "https://api.binance.com", "https://api.exchange.coinbase.com", "https://api.kraken.com"
OKX, KUCOIN = "https://www.okx.com", "https://api.kucoin.com"
KEYS = {"apiKey": ID, "secret": SECRET, "password": "passphrase"}
# Nonces must differ, also within a millisecond.
NONCES = itertools.count(int(time.time() * 1_000_000))


def settings():
    yield Setting("binance", "binance", BINANCE)
    # The signature stands in the body, which is not ours to write.
    yield Setting("binance-form", "binance-form", BINANCE, signs=False)
    yield Setting("coinbase", "coinbase", COINBASE)
    yield Setting("kraken", "kraken", KRAKEN)
    yield Setting("okx", "okx", OKX)
    yield Setting("kucoin", "kucoin", KUCOIN)


def clients(_node):
    by, binance, coinbase = installed("ccxt"), ccxt.binance(KEYS), ccxt.coinbaseexchange(KEYS)
    yield Client("binance", installed("binance-connector"), by_binance)
    yield Client(
        "binance", by, lambda n: ccxt_signed(binance, "order", "private", "GET", {"symbol": "LTCBTC", "id": n})
    )
    order = {"symbol": "LTCBTC", "side": "BUY", "note": "lamp"}
    yield Client("binance-form", by, lambda n: ccxt_signed(binance, "order", "private", "POST", {**order, "id": n}))
    order = {"product_id": "BTC-USD", "note": "lamp"}
    yield Client("coinbase", by, lambda n: ccxt_signed(coinbase, "orders", "private", "POST", {**order, "id": n}))
    yield Client("coinbase", f"{by}, GET", lambda n: ccxt_signed(coinbase, "fills", "private", "GET", {"limit": n}))
    yield Client("kraken", installed("krakenex"), by_krakenex)
    yield Client("kraken", by, by_ccxt_kraken)
    okx, kucoin = ccxt.okx(KEYS), ccxt.kucoin(KEYS)
    order = {"instId": "BTC-USDT", "side": "buy", "note": "lamp"}
    yield Client("okx", by, lambda n: ccxt_signed(okx, "trade/order", "private", "POST", {**order, "sz": n}))
    yield Client("okx", f"{by}, GET", lambda n: ccxt_signed(okx, "trade/fills", "private", "GET", {"limit": n}))
    order = {"symbol": "BTC-USDT", "side": "buy", "note": "lamp"}
    yield Client("kucoin", by, lambda n: ccxt_signed(kucoin, "orders", "private", "POST", {**order, "size": n}))
    yield Client("kucoin", f"{by}, GET", lambda n: ccxt_signed(kucoin, "fills", "private", "GET", {"pageSize": n}))


def by_binance(number):
    connector = BinanceConnector(ID, SECRET, base_url=BINANCE)
    payload = {"symbol": "LTCBTC", "side": "BUY", "note": "a b@", "id": number}
    return caught(connector.sign_request, "POST", "/api/v3/order", payload)


def ccxt_signed(exchange, path, api, method, params):
    signed = exchange.sign(path, [api], method, params)
    return Request.to(signed["url"], method, (signed["headers"] or {}).items(), signed["body"] or b"")


def by_krakenex(number):
    kraken = krakenex.API(ID, SECRET)
    kraken._nonce = lambda: next(NONCES)  # pylint: disable=protected-access
    return caught(kraken.query_private, "AddOrder", {"pair": "XBTUSD", "userref": number, "note": "lamp a+b"})


def by_ccxt_kraken(number):
    kraken = ccxt.kraken(KEYS)
    kraken.nonce = lambda: next(NONCES)
    return ccxt_signed(kraken, "AddOrder", "private", "POST", {"pair": "XBTUSD", "userref": number, "note": "lamp"})


def verifiers(_node):
    yield Verifier("binance", installed("binance-connector"), binance_again, signed_again=True)
    yield Verifier("kraken", installed("krakenex"), kraken_again, signed_again=True)
    yield Verifier("coinbase", installed("ccxt"), coinbase_again, signed_again=True)
    yield Verifier("okx", installed("ccxt"), okx_again, signed_again=True)
    yield Verifier("kucoin", installed("ccxt"), kucoin_again, signed_again=True)


def binance_again(request):
    query, _, signature = request.query.partition("&signature=")
    return hmac_hashing(SECRET, query + request.body.decode()) == signature


def kraken_again(request):
    """Its order of the fields is the form's."""
    fields = dict(urllib.parse.parse_qsl(request.body.decode()))
    again = krakenex.API(ID, SECRET)._sign(fields, request.path)  # pylint: disable=protected-access
    return again == request.header("API-Sign")


def coinbase_again(request):
    exchange = ccxt.coinbaseexchange(KEYS)
    exchange.nonce = lambda: request.header("CB-ACCESS-TIMESTAMP")
    return ccxt_again(exchange, request, "/", "CB-ACCESS-SIGN")


def okx_again(request):
    exchange = ccxt.okx(KEYS)
    exchange.iso8601 = lambda _: request.header("OK-ACCESS-TIMESTAMP")
    return ccxt_again(exchange, request, "/api/v5/", "OK-ACCESS-SIGN")


def kucoin_again(request):
    exchange = ccxt.kucoin(KEYS)
    exchange.nonce = lambda: request.header("KC-API-TIMESTAMP")
    return ccxt_again(exchange, request, "/api/v1/", "KC-API-SIGN")


def ccxt_again(exchange, request, root, carrier):
    """Whether it signs the request alike; it puts `root` before the path itself."""
    path = request.target.removeprefix(root)
    again = exchange.sign(path, ["private"], request.method, json.loads(request.body))
    return again["headers"][carrier] == request.header(carrier)
