"""aiohttp: many requests at once over its pool. Arguments: the gateway's origin."""

import asyncio
import sys

import aiohttp

from signing import signed

origin = sys.argv[1]
big = bytes(range(256)) * 8192  # 2 MiB


async def check(session, method, target, body=None, headers=None, expect=None, **more):
    async with session.request(method, origin + target, data=body, headers=headers, **more) as response:
        read = await response.read()
        assert (response.status, read) == (200, expect if expect is not None else target.encode()), response.status


async def pieces():
    for at in range(0, len(big), 65536):
        yield big[at : at + 65536]


async def main():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        await check(session, "GET", "/open/a?b=c")
        await check(session, "POST", "/open/big", big, expect=big)
        await check(session, "POST", "/open/chunked", pieces(), expect=big)
        await check(session, "POST", "/open/expect", big, expect=big, expect100=True)
        await check(session, "HEAD", "/open/head", expect=b"")
        await asyncio.gather(*(check(session, "GET", f"/open/many/{index}") for index in range(50)))
        headers = signed("POST", origin + "/signed/big", big)
        await check(session, "POST", "/signed/big", big, headers, expect=big)


asyncio.run(main())
