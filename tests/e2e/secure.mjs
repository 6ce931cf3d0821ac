// Hosts that speak TLS, and certificates for them from an authority of the story's own.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync, readFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { join } from 'node:path';
import { Host } from './host.mjs';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

export class Authority {
  /** Its files lie in a folder of its own below `directory`. */
  constructor(directory, name = 'authority') {
    this.directory = join(directory, name);
    mkdirSync(this.directory);
    this.key = join(this.directory, 'ca.key');
    this.file = join(this.directory, 'ca.pem');
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', this.key, '-out', this.file,
      '-days', '3650', '-subj', `/CN=Mimus ${name}`, '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
    this.text = readFileSync(this.file, 'utf8');
  }

  /** { cert, key }: files of a new pair. `names` are DNS names or IP addresses; `rsa` makes an RSA key. */
  make(name, names = [], { rsa = false, days = 90 } = {}) {
    const at = (end) => join(this.directory, `${name}.${end}`);
    const kind = rsa ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    openssl('req', '-newkey', ...kind, '-nodes', '-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${name}`);
    const alternatives = names.map((one) => (/^[\d.]+$/.test(one) ? `IP:${one}` : `DNS:${one}`)).join(',');
    writeFileSync(at('ext'), 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n' +
      'extendedKeyUsage=serverAuth,clientAuth\n' + (alternatives ? `subjectAltName=${alternatives}\n` : ''));
    openssl('x509', '-req', '-in', at('csr'), '-CA', this.file, '-CAkey', this.key, '-CAcreateserial', '-days', `${days}`,
      '-sha256', '-extfile', at('ext'), '-out', at('pem'));
    return { cert: at('pem'), key: at('key') };
  }
}

/** The flags that give these pairs to a host. */
export const flagsOf = (...pairs) => pairs.flatMap(({ cert, key }) => ['--tls-cert', cert, '--tls-key', key]);

/** { status, headers, text, json } of one request; `socket` is what it went over. */
function exchange(make, options, body) {
  return new Promise((resolve, reject) => {
    const request = make(options, (answer) => {
      const { socket } = answer;
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk) => (text += chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        let json;
        try { json = JSON.parse(text); } catch { json = undefined; }
        resolve({ status: answer.statusCode, headers: new Headers(answer.headers), text, json, socket });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** A GET over TLS; `options` as of node's https.request, with `ca` at least. */
export const get = (host, path, options) => exchange(secureRequest, { host: '127.0.0.1', port: host.port, path, servername: 'localhost', ...options });

/** A host as Host.start makes it, whose admin calls go over its control socket: that one is plain. */
export async function startSecure(options) {
  const host = await Host.start(options);
  host.admin = (method, path, body) => exchange(plainRequest, {
    socketPath: join(host.data, 'control.sock'), method, path,
    headers: { authorization: `Bearer ${host.token}`, 'content-type': 'application/json' },
  }, body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
  host.metric = async (name) => Number(new RegExp(`^mimus_${name} (\\d+)$`, 'm').exec((await host.admin('GET', '/metrics')).text)[1]);
  return host;
}
