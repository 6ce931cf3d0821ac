// Socket.IO endpoints and the npm package's client, for the stories about them.
import { createRequire } from 'node:module';
import { eventually } from './host.mjs';

const { io, Manager } = createRequire(`${process.env.NODE_PATH}/`)('socket.io-client');
export { Manager };

let apis = 0;
/** A WebSocket endpoint under an API of its own. */
export async function endpoint(host, path, fields = {}) {
  const api = await host.create('/admin/api-definitions', { slug: `channels-${++apis}` });
  return host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path, ...fields });
}

export const connections = async (host, { id }) =>
  (await host.admin('GET', `/admin/websocket-endpoints/${id}/connections`)).json.items;

/** The events of a socket, also those that came before anybody asked: `next()` is the next one's [name, ...arguments]. */
export function heard(socket) {
  const all = [];
  let read = 0;
  socket.onAny((...event) => all.push(event));
  return {
    all,
    next: async () => { await eventually(() => all.length > read, 'an event'); return all[read++]; },
  };
}

/** How a socket's first try ends: it itself, or the error. */
export const tried = (socket) => new Promise((resolve) => {
  socket.once('connect', () => resolve(socket));
  socket.once('connect_error', resolve);
});

/** A client on a connection of its own that has been let in, with what it hears; `leave()` ends both. */
export async function client(host, path, options = {}) {
  const socket = io(host.url + path, { forceNew: true, reconnection: false, ...options });
  const events = heard(socket);
  const disconnected = new Promise((resolve) => socket.once('disconnect', resolve));
  const result = await tried(socket);
  if (result !== socket) throw result;
  return { socket, ...events, disconnected, leave: () => { socket.disconnect(); return disconnected; } };
}

/** The error of a client that is not let in. */
export async function refusal(host, path, options = {}) {
  const socket = io(host.url + path, { forceNew: true, reconnection: false, ...options });
  const result = await tried(socket);
  socket.disconnect();
  if (result === socket) throw new Error(`${path} let the client in`);
  return result;
}
