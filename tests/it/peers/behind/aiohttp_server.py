"""aiohttp's server. Prints its port."""

import asyncio

from aiohttp import web


async def echo(request):
    return web.Response(body=await request.read(), headers={"X-Method": request.method})


async def stream(request):
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    async for piece in request.content.iter_any():
        await response.write(piece)
    await response.write(b" and the end")
    return response


async def early(request):
    # Answered without a look at the body.
    return web.Response(status=403, text="not that")


async def main():
    application = web.Application(client_max_size=64 << 20)
    application.add_routes([web.route("*", "/echo", echo), web.post("/stream", stream), web.post("/early", early)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
