// Node's http server. Prints its port.
import http from "node:http";

// Nothing comes of this unless the gateway passes the expectation on.
let expected = 0;

const answers = {
  "/chunked": async (request, response) => {
    for (const piece of ["one ", "two ", "three"]) response.write(piece);
    response.end();
  },
  "/trailers": async (request, response) => {
    response.setHeader("Trailer", "X-Digest");
    response.write("with trailers");
    response.addTrailers({ "X-Digest": "abc" });
    response.end();
  },
  "/hints": async (request, response) => {
    response.writeProcessing();
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.writeContinue();
    response.end("after three hints");
  },
  "/until-close": async (request, response) => {
    response.useChunkedEncodingByDefault = false;
    response.shouldKeepAlive = false;
    response.write("to the ");
    setTimeout(() => response.end("end"), 50);
  },
  "/broken-off": async (request, response) => {
    response.writeHead(200, { "Content-Length": "100" });
    response.write("not all of it", () => request.socket.destroy());
  },
  "/nothing": async (request, response) => response.writeHead(204).end(),
};

async function echo(request, response) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  response.setHeader("X-Seen", `${request.method} ${expected} ${request.socket.remotePort}`);
  response.end(Buffer.concat(pieces));
}

const server = http.createServer((request, response) => (answers[request.url] ?? echo)(request, response));
server.on("checkContinue", (request, response) => {
  expected += 1;
  response.writeContinue();
  echo(request, response);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
