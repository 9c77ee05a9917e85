/** Puts TLS in front of a Postgres server that may have none, as the protocol asks for it. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

const certificate = readFileSync(
  new URL('../fixtures/tls/localhost-certificate.pem', import.meta.url),
  'utf8',
);
const key = readFileSync(new URL('../fixtures/tls/localhost-key.pem', import.meta.url), 'utf8');

/** The certificate of every gate: for `localhost` alone, signed by itself. */
export const gateCertificate = certificate;

export interface TlsGate {
  readonly port: number;
  readonly close: () => Promise<void>;
}

/** Opens a gate on a free port of this machine, with its own certificate or another. */
export async function openTlsGate(
  target: string,
  identity: { readonly cert: string; readonly key: string } = { cert: certificate, key },
): Promise<TlsGate> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    client.once('data', () => {
      client.write('S');
      const secure = new TLSSocket(client, { isServer: true, ...identity });
      const upstream = connect(Number(port || '5432'), hostname);
      sockets.add(upstream);
      for (const socket of [secure, upstream]) {
        socket.on('error', () => {});
        socket.on('close', () => {
          secure.destroy();
          upstream.destroy();
        });
      }
      secure.pipe(upstream);
      upstream.pipe(secure);
    });
  });
  server.listen(0);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' ? (address?.port ?? 0) : 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
