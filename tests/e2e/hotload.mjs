// Versions of a third party's plugin, compiled as its author would, and a host that watches a directory of them.
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Host, eventually, scratch } from './host.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);
const patience = 60_000;

export const id = 'com.example.hot';
const built = scratch();
export const path = (...names) => join(built.path, ...names);
export const cleanUp = () => built.remove();

/** One variant of plugins/hot.c as `name`.so: `words` are its texts, `flags` its other macros. */
export async function compile(name, words = {}, flags = {}) {
  const definitions = [...Object.entries(words).map(([key, text]) => `-D${key}=${JSON.stringify(text)}`),
    ...Object.entries(flags).map(([key, value]) => `-D${key}=${value}`)];
  await run('cc', ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-O1', '-fPIC', '-fvisibility=hidden', '-shared', '-static-libgcc',
    `-I${join(here, '../../sdk/include')}`, ...definitions, join(here, 'plugins/hot.c'), '-o', path(`${name}.so`)]);
}

/** The usual versions: v1 1.0.0, v2 1.1.0, v3 1.2.0, and bad 1.3.0, which fails every request. */
export const versions = () => Promise.all([['v1', '1.0.0'], ['v2', '1.1.0'], ['v3', '1.2.0'], ['bad', '1.3.0', { BROKEN: 1 }]]
  .map(([name, version, flags]) => compile(name, { PLUGIN_VERSION: version }, flags)));

let made = 0;

export class HotHost {
  /** A host that watches a directory of its own with these files in it: { 'hot.so': 'v1' }. */
  static async start(files = {}, { args = [], data, ...options } = {}) {
    const hot = new HotHost();
    hot.directory = path(`plugins-${++made}`);
    mkdirSync(hot.directory);
    for (const [as, name] of Object.entries(files)) copyFileSync(path(`${name}.so`), join(hot.directory, as));
    hot.data = data ?? path(`data-${made}`);
    hot.options = { args: ['--plugins', hot.directory, ...args], data: hot.data, ...options };
    hot.host = await Host.start(hot.options);
    return hot;
  }
  /** Starts one, lets `story` be, and stops it with exit code 0. */
  static async tell(files, options, story) {
    const hot = await HotHost.start(files, options);
    try {
      await story(hot, hot.host);
      assert.equal(await hot.host.stop(), 0);
    } catch (error) {
      error.message += `\n${hot.host.errors.slice(-3000)}`;
      await hot.host.kill();
      throw error;
    }
  }
  async restart() {
    assert.equal(await this.host.stop(), 0);
    this.host = await Host.start(this.options);
  }

  file(as = 'hot.so') { return join(this.directory, as); }
  /** Replaces in one step, as mv does. */
  move(name, as = 'hot.so') {
    copyFileSync(path(`${name}.so`), this.file(`.${as}`));
    renameSync(this.file(`.${as}`), this.file(as));
  }
  /** Writes into the file that is there, as cp does. */
  copy(name, as = 'hot.so') { copyFileSync(path(`${name}.so`), this.file(as)); }
  remove(as = 'hot.so') { rmSync(this.file(as)); }

  async plugin(of = id) { return (await this.host.admin('GET', `/admin/plugins/${of}`)).json; }
  /** The plugin once `holds` of it. */
  async until(holds, what, of = id) {
    let seen;
    try {
      return await eventually(async () => ((seen = await this.plugin(of)), (await holds(seen)) && seen), what, patience);
    } catch (error) {
      throw new Error(`${error.message}: ${JSON.stringify(seen)}`);
    }
  }
  serves(version, of = id) { return this.until((p) => p.version === version && p.state === 'active', `${of} ${version}`, of); }
  ends(state, version, of = id) {
    return this.until((p) => p.images?.some((image) => image.version === version && image.state === state), `${version} ${state}`, of);
  }
  happens(event, detail = /(?:)/, of = id) {
    return this.until((p) => p.history?.some((one) => one.event === event && detail.test(one.detail ?? '')), `${event} ${detail}`, of);
  }
  order(verb, of = id) { return this.host.admin('POST', `/admin/plugins/${of}/${verb}`); }
  put(what, body, of = id) { return this.host.admin('PUT', `/admin/plugins/${of}/${what}`, body); }
  install(file, of = id, headers = {}) {
    return fetch(`${this.host.url}/admin/plugins/${of}/image`, { method: 'PUT', body: readFileSync(file),
      headers: { authorization: `Bearer ${this.host.token}`, 'content-type': 'application/octet-stream', ...headers } })
      .then(async (answer) => { const text = await answer.text(); return { status: answer.status, headers: answer.headers, text, json: JSON.parse(text) }; });
  }

  /** An API with one endpoint, /e, that names the plugin. */
  endpoint(slug = 'p', plugins = { [id]: {} }) {
    return this.host.api(slug, [{ name: 'e', method: 'GET', path: '/e', responses: [{ body: 'hello' }], plugins }]);
  }
  /** What it answers: { status, version, word, text }. */
  async ask(slug = 'p', headers = {}) {
    const answer = await this.host.mock(slug, '/e', { headers });
    return { status: answer.status, version: answer.headers.get('x-hot'), word: answer.headers.get('x-word'), text: await answer.text() };
  }
  /** Nothing of `version` is answered any more, and nothing fails. */
  async answers(version, slug = 'p') {
    const { status, version: said, text } = await this.ask(slug);
    assert.deepEqual({ status, version: said, text }, { status: 200, version, text: 'hello' });
  }
}

