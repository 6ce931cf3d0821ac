// Plugins of every released ABI, as they were compiled then, in the present host.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { cpSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Host, scratch } from './host.mjs';

const WebSocket = createRequire(`${process.env.NODE_PATH}/`)('ws');
const museum = join(dirname(fileURLToPath(import.meta.url)), '../abi');
const releases = readdirSync(museum).filter((name) => statSync(join(museum, name)).isDirectory());

for (const release of releases) {
  test(`the plugins of ABI ${release} do what they did`, async (t) => {
    const plugins = scratch();  // where a host in another root sees it, too
    for (const language of ['c', 'cpp']) cpSync(join(museum, release, `museum_${language}.so`), join(plugins.path, `museum_${language}.so`));
    const host = await Host.start({ args: ['--plugins', plugins.path] });
    t.after(async () => { assert.equal(await host.stop(), 0); plugins.remove(); });
    const c = 'com.example.museum-c', cpp = 'com.example.museum-cpp';
    const api = await host.api('museum', [
      { name: 'c', method: 'ANY', path: '/c', responses: [{ body: 'behind' }], plugins: { [c]: { value: 'kept' } } },
      { name: 'cpp', method: 'ANY', path: '/cpp', responses: [{ body: 'behind' }], plugins: { [cpp]: { value: 'kept' } } },
    ]);
    await host.create(`/admin/api-definitions/${api.id}/websocket-endpoints`, { path: '/ws/museum', museum: 'hall' });
    const ask = async (path, options) => {
      const answer = await host.mock('museum', path, options);
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    };
    const doing = (what) => ({ headers: { 'x-do': what } });

    const plain = await ask('/c');
    assert.equal(plain.text, 'behind');
    assert.equal(plain.headers.get('x-museum-c'), 'kept');
    assert.equal(plain.headers.get('x-museum-hash'), '79f076ab');
    assert.deepEqual([(await ask('/c', doing('respond'))).status, (await ask('/c', doing('respond'))).text], [201, 'kept']);
    const problem = await ask('/c', doing('problem'));
    assert.equal(problem.status, 409);
    assert.equal(JSON.parse(problem.text).type, 'urn:mimus:error:museum');
    for (const what of ['wait', 'rewrite', 'work']) assert.equal((await ask('/c', doing(what))).text, 'behind', what);
    assert.equal((await ask('/c', { method: 'POST', body: 'told', ...doing('body') })).text, 'behind');
    assert.equal((await host.requests('?museum=told')).length, 1);
    assert.deepEqual((await host.admin('GET', '/admin/museum-c')).json, { body: 'told' });

    const other = await ask('/cpp');
    assert.equal(other.headers.get('x-museum-cpp'), 'kept');
    assert.equal((await ask('/cpp', { method: 'PUT', body: '' })).text, '/cpp');
    assert.equal((await ask('/cpp', doing('throw'))).status, 503);
    const frames = await new Promise((resolve, reject) => {
      const seen = [];
      const socket = new WebSocket(`${host.url.replace('http', 'ws')}/ws/museum`);
      socket.on('message', (data) => { if (seen.push(JSON.parse(data)) === 2) { socket.send('hello'); socket.send('bye'); } });
      socket.on('close', (code) => resolve([...seen, code]));
      socket.on('error', reject);
    });
    assert.deepEqual(frames, [{ event: 'opened', data: 'hall' }, { event: 'ticked', data: true }, { event: 'said', data: 'hello' }, 4000]);
  });
}
