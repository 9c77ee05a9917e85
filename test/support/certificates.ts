/** A certificate authority of our own, and certificates of it that are good or bad in one way each. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTempDirectory } from './temp-directory.ts';

export interface Identity {
  readonly cert: string;
  readonly key: string;
}

interface CertificateOptions {
  readonly host?: string;
  readonly usage?: string;
  /** From when until when, as `YYYYMMDDHHMMSSZ`. */
  readonly period?: readonly [from: string, to: string];
}

const now = ['20200101000000Z', '20990101000000Z'] as const;

/** Whether this machine can make certificates. */
export function canMakeCertificates(): boolean {
  try {
    execFileSync('openssl', ['x509', '-help'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export class CertificateAuthority {
  readonly certificate: string;
  readonly #folder: string;
  #serial = 1;

  constructor(name: string) {
    this.#folder = makeTempDirectory('certificates');
    const file = (end: string) => join(this.#folder, end);
    this.#openssl(
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=${name} -keyout ${file('ca.key')} -out ${file('ca.pem')} -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign`,
    );
    this.certificate = readFileSync(file('ca.pem'), 'utf8');
    writeFileSync(file('index.txt'), '');
  }

  /** Makes a certificate that the authority vouches for. */
  issue({ host = 'localhost', usage = 'serverAuth', period = now }: CertificateOptions = {}): Identity {
    const id = this.#serial++;
    const file = (end: string) => join(this.#folder, `${id}.${end}`);
    this.#openssl(
      `req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=${host} -keyout ${file('key')} -out ${file('csr')}`,
    );
    writeFileSync(
      file('cnf'),
      `[ca]\ndefault_ca=own\n[own]\ndatabase=${join(this.#folder, 'index.txt')}\nnew_certs_dir=${this.#folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=any\nunique_subject=no\nx509_extensions=ext\n[any]\ncommonName=supplied\n[ext]\nsubjectAltName=DNS:${host}\nextendedKeyUsage=${usage}\n`,
    );
    const [from, to] = period;
    this.#openssl(
      `ca -batch -notext -config ${file('cnf')} -cert ${join(this.#folder, 'ca.pem')} -keyfile ${join(this.#folder, 'ca.key')} -in ${file('csr')} -out ${file('pem')} -startdate ${from} -enddate ${to}`,
    );
    return { cert: readFileSync(file('pem'), 'utf8'), key: readFileSync(file('key'), 'utf8') };
  }

  #openssl(words: string): void {
    execFileSync('openssl', words.split(' '), { stdio: 'pipe' });
  }
}
