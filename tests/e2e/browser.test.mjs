// Headless Chromium as a client: a page that a mock serves, and the same page from elsewhere.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Host, eventually, scratch } from './host.mjs';
import { connections, endpoint } from './socketio_client.mjs';

const script = readFileSync(`${process.env.NODE_PATH}/socket.io-client/dist/socket.io.min.js`, 'utf8');
const patience = 150_000;

let host, story, page, result;
before(async () => {
  host = await Host.start();
  story = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      if (request.method === 'POST') result(JSON.parse(body));
      response.setHeader('content-type', request.url === '/client.js' ? 'text/javascript' : 'text/html');
      response.end(request.url === '/client.js' ? script : request.url === '/' ? page : '');
    });
  }).listen(0, '127.0.0.1');
  await once(story, 'listening');
  page = readFileSync(new URL('browser_page.html', import.meta.url), 'utf8')
    .replace('SCRIPT', 'client.js').replace(/'RESULT'/, `'http://127.0.0.1:${story.address().port}/result'`);
});
after(async () => {
  story.closeAllConnections();
  story.close();
  assert.equal(await host.stop(), 0);
});

/** What the page tells when a browser of its own has opened it. */
async function seen(url) {
  const profile = scratch();
  const told = new Promise((resolve) => { result = resolve; });
  const browser = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    `--user-data-dir=${profile.path}`, url], { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  browser.stderr.on('data', (chunk) => (errors += chunk));
  const exited = once(browser, 'exit');
  let timer;
  try {
    return await Promise.race([told, exited.then(() => { throw new Error(`chromium ended: ${errors}`); }),
      new Promise((_, reject) => { timer = setTimeout(() => reject(new Error(`the page told nothing: ${errors}`)), patience); })]);
  } finally {
    clearTimeout(timer);
    try { process.kill(-browser.pid, 'SIGKILL'); } catch { /* it has ended */ }
    await exited;
    profile.remove();
  }
}

test('a page talks to raw and Socket.IO endpoints, from the host itself and from elsewhere', async () => {
  const talk = [
    { trigger: 'message', name: 'message-back', payload: '{{message.data}}', spread: true, when: { in: 'event', op: 'equals', value: 'message' } },
    { trigger: 'ack', payload: 'saved' }];
  const channels = [
    await endpoint(host, '/ws/raw', { subprotocols: ['v1'], events: [{ trigger: 'connection', name: 'welcome', payload: 1 }, { trigger: 'message', echo: true }] }),
    await endpoint(host, '/ws/talk', { events: talk })];
  await endpoint(host, '/ws/guarded', { origins: [host.url] });
  await host.api('site', [
    { method: 'GET', path: '/', responses: [{ status: 200, headers: { 'Content-Type': 'text/html' }, body: page.replace('client.js', '/mock/site/client.js') }] },
    { method: 'GET', path: '/client.js', responses: [{ status: 200, headers: { 'Content-Type': 'text/javascript' }, body: script }] }]);
  for (const [url, guarded] of [[`${host.url}/mock/site/`, 'let in'], [`http://127.0.0.1:${story.address().port}/#${host.url}`, 'forbidden-origin']]) {
    const told = await seen(url);
    assert.deepEqual(told.raw, { seen: ['{"event":"welcome","data":1}', 5000, [0, 255]], protocol: 'v1', extensions: told.raw.extensions, code: 4000, reason: '', wasClean: true });
    assert.match(told.raw.extensions, /^permessage-deflate/);
    for (const [transports, names] of [['both', ['polling', 'websocket']], ['websocket', ['websocket']], ['polling', ['polling']]]) {
      assert.deepEqual(told[transports], { seen: [['/ws/talk', true], ['ü', [1, 2]], 'saved'], reason: 'io client disconnect', transports: names }, transports);
    }
    assert.equal(told.guarded, guarded);
  }
  for (const one of channels) await eventually(async () => (await connections(host, one)).length === 0, 'an empty list');
});
