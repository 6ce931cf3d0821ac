// A certificate for the run, and what a server negotiates with it.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { connect } from './answer.mjs';

/** Files {cert, key} of a self-signed ECDSA P-256 certificate. */
export function certificate(scratch) {
  const cert = join(scratch, 'cert.pem');
  const key = join(scratch, 'key.pem');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
}

export const negotiated = (server) => new Promise((resolve, reject) => {
  const socket = connect(server, () => {
    resolve(`${socket.getProtocol()} ${socket.getCipher().standardName}`);
    socket.destroy();
  });
  socket.on('error', reject);
});
