// The npm package socket.io: a namespace, and POST /broadcast, which emits its body's event to all.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const { Server } = createRequire(`${process.env.MIMUS_BENCH_NPM}/`)('socket.io');

const http = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => { body += chunk; });
  request.on('end', () => {
    if (request.url === '/broadcast') {
      const { name, payload } = JSON.parse(body);
      namespace.emit(name, payload);
    }
    response.end('ok');
  });
});
const namespace = new Server(http).of(process.argv[3]);
namespace.on('connection', (socket) => socket.on('message', (...args) => socket.emit('message', ...args)));
http.listen(Number(process.argv[2]), '127.0.0.1');
