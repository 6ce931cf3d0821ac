// nginx as its own users would set it up for the same work: one worker, a buffered access log,
// the client's address taken from a trusted X-Forwarded-For, Mimus's choice of TLS ciphers.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstAnswer } from './answer.mjs';
import { family, freePort, launch, stop } from './processes.mjs';
import { smallBody } from './mimus.mjs';

export const plainLocation = `location / { default_type application/json; return 200 '${smallBody}'; }`;

/** A body of `bytes` "x" without a file: nginx takes no longer literal than 4 KiB, but joins variables. */
export function longLocation(bytes) {
  return `set $k '${'x'.repeat(2048)}'; location / { default_type text/plain; return 200 '${'$k'.repeat(bytes / 2048)}'; }`;
}

export async function startNginx(scratch, { location = plainLocation, tls, cores } = {}) {
  const port = await freePort();
  const directory = mkdtempSync(join(scratch, 'nginx-'));
  const config = join(directory, 'nginx.conf');
  const errors = join(directory, 'error.log');
  // As root, nginx would drop to a user who cannot read the scratch directory.
  writeFileSync(config, `${process.getuid() === 0 ? 'user root;' : ''}
    worker_processes 1; daemon off; pid ${directory}/nginx.pid; error_log ${errors}; worker_rlimit_nofile 65536;
    events { worker_connections 16384; }
    http {
      access_log ${directory}/access.log combined buffer=64k flush=1s;
      sendfile on; tcp_nopush on; keepalive_requests 1000000000; server_tokens off;
      open_file_cache max=1000 inactive=1h; open_file_cache_valid 1h;
      client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy; fastcgi_temp_path ${directory}/fastcgi;
      uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
      set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For;
      ${tls ? `ssl_certificate ${tls.cert}; ssl_certificate_key ${tls.key}; ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:SSL:10m;
        ssl_prefer_server_ciphers on; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256;` : ''}
      server { listen 127.0.0.1:${port} reuseport${tls ? ' ssl' : ''}; ${location} }
    }`);
  const began = performance.now();
  const child = launch('nginx', ['-c', config, '-e', errors], { cores });
  const server = { name: 'nginx', origin: `http${tls ? 's' : ''}://127.0.0.1:${port}`, port, tls: Boolean(tls), base: '', child, stop: () => stop(child) };
  await firstAnswer(server, '/users/1', child);
  server.first = server.ready = performance.now() - began;
  server.pids = family(child.pid);
  return server;
}
