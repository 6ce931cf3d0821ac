// The npm package ws: echoes messages; POST /broadcast sends its body to all.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { WebSocketServer } = createRequire(`${process.env.MIMUS_BENCH_NPM}/`)('ws');

const http = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => { body += chunk; });
  request.on('end', () => {
    if (request.url === '/broadcast') for (const client of channels.clients) client.send(body);
    response.end('ok');
  });
});
const channels = new WebSocketServer({ server: http });
channels.on('connection', (channel) => channel.on('message', (data, binary) => channel.send(data, { binary })));
http.listen(Number(process.argv[2]), '127.0.0.1');
