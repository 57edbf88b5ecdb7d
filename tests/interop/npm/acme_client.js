// acme-client from npm as a program, since it is a library: acme_client.js COMMAND OPTIONS, where OPTIONS is a JSON object.
// It adds what every user of the library writes: files for keys and certificates, and servers that answer challenges.
//
//   issue       by client.auto, which knows names alone, or with "steps": true by the single calls, which know addresses
//   contact     sets the account's contact
//   roll-over   gives the account a new key; the old one stays in account.old.pem
//   whoami      asks which account the key in "key_file" (or that of the folder) has
//   revoke      the certificate in "certificate", for "reason"
//   deactivate  the account
//
// In all of them: "directory", "folder" (account.pem and account.url are kept there), "kid" and "mac_key" for EAB.
'use strict';

const { execFileSync } = require('child_process');
const fs = require('fs');
const http = require('http');
const net = require('net');
const tls = require('tls');
const acme = require('acme-client');

const [command, text] = process.argv.slice(2);
const options = JSON.parse(text);
const file = (name) => `${options.folder}/${name}`;

const makeKey = {
  'ec256': () => acme.crypto.createPrivateEcdsaKey('P-256'),
  'ec384': () => acme.crypto.createPrivateEcdsaKey('P-384'),
  'rsa2048': () => acme.crypto.createPrivateRsaKey(2048),
};

// With the account that the folder has, or none yet.
async function makeClient() {
  const keyFile = options.key_file || file('account.pem');
  if (!fs.existsSync(keyFile)) fs.writeFileSync(keyFile, await makeKey[options.account_key || 'ec256']());
  return new acme.Client({
    directoryUrl: options.directory,
    accountKey: fs.readFileSync(keyFile),
    accountUrl: command !== 'whoami' && fs.existsSync(file('account.url')) ? fs.readFileSync(file('account.url'), 'utf8') : null,
    externalAccountBinding: options.kid ? { kid: options.kid, hmacKey: options.mac_key } : undefined,
    backoffMin: 250,  // five seconds by default: nobody is in a hurry but a test
  });
}

// What answers each type of challenge: set() before, and clear() after.
function answerers() {
  const bodies = new Map();
  const certificates = new Map();
  const web = http.createServer((request, response) => {
    const body = bodies.get(request.url);
    response.writeHead(body ? 200 : 404);
    response.end(body);
  });
  const alpn = tls.createServer({
    ALPNProtocols: ['acme-tls/1'],
    SNICallback: (name, done) => done(null, certificates.get(name)),
  });
  const hook = (word, authz, digest) => execFileSync(options.txt_hook, [word, `_acme-challenge.${authz.identifier.value}`, digest]);
  // An address stands in SNI as its name in the reverse zone (RFC 8738 section 6).
  const server_name = (value) => (net.isIPv4(value) ? `${value.split('.').reverse().join('.')}.in-addr.arpa` : value);
  const path = (challenge) => `/.well-known/acme-challenge/${challenge.token}`;
  const listen = (server, port) => new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    'http-01': {
      start: () => listen(web, options.http_port),
      set: (authz, challenge, authorization) => { bodies.set(path(challenge), authorization); },
      clear: (authz, challenge) => { bodies.delete(path(challenge)); },
      stop: () => web.close(),
    },
    'dns-01': {
      start: () => {},
      set: (authz, challenge, digest) => { hook('present', authz, digest); },
      clear: (authz, challenge, digest) => { hook('cleanup', authz, digest); },
      stop: () => {},
    },
    'tls-alpn-01': {
      start: () => listen(alpn, options.tls_port),
      set: async (authz, challenge, authorization) => {
        const [key, cert] = await acme.crypto.createAlpnCertificate(authz, authorization, await makeKey.ec256());
        certificates.set(server_name(authz.identifier.value), tls.createSecureContext({ key, cert }));
      },
      clear: (authz) => { certificates.delete(server_name(authz.identifier.value)); },
      stop: () => alpn.close(),
    },
  };
}

async function bySteps(client, csr, type, answerer) {
  try { client.getAccountUrl(); } catch (e) { await client.createAccount({ termsOfServiceAgreed: true }); }
  const identifiers = options.names.map((value) => ({ type: net.isIP(value) ? 'ip' : 'dns', value }));
  const order = await client.createOrder({ identifiers });
  for (const authz of await client.getAuthorizations(order)) {
    if (authz.status === 'valid') continue;
    const challenge = authz.challenges.find((one) => one.type === type);
    const authorization = await client.getChallengeKeyAuthorization(challenge);
    await answerer.set(authz, challenge, authorization);
    await client.completeChallenge(challenge);
    await client.waitForValidStatus(challenge);
    await answerer.clear(authz, challenge, authorization);
  }
  return client.getCertificate(await client.finalizeOrder(order, csr));
}

async function issue(client) {
  const type = options.challenge || 'http-01';
  const answerer = answerers()[type];
  const [key, csr] = await acme.crypto.createCsr({ altNames: options.names }, await makeKey[options.key || 'ec256']());
  await answerer.start();
  try {
    const chain = options.steps ? await bySteps(client, csr, type, answerer) : await client.auto({
      csr,
      email: 'keeper@cams.example',
      termsOfServiceAgreed: true,
      skipChallengeVerification: true,  // it would ask the system's resolver and port 80
      challengePriority: [type],
      challengeCreateFn: answerer.set,
      challengeRemoveFn: answerer.clear,
    });
    fs.writeFileSync(file('key.pem'), key);
    fs.writeFileSync(file('chain.pem'), chain);
  } finally {
    answerer.stop();
  }
}

const commands = {
  issue,
  contact: (client) => client.updateAccount({ contact: [options.contact] }),
  'roll-over': async (client) => {
    const key = await makeKey[options.key || 'ec256']();
    await client.updateAccountKey(key);
    fs.renameSync(file('account.pem'), file('account.old.pem'));
    fs.writeFileSync(file('account.pem'), key);
  },
  whoami: async (client) => {
    const { status } = await client.createAccount({ onlyReturnExisting: true });
    console.log(`${client.getAccountUrl()} ${status}`);
  },
  revoke: (client) => client.revokeCertificate(fs.readFileSync(options.certificate), { reason: options.reason }),
  deactivate: (client) => client.updateAccount({ status: 'deactivated' }),
};

async function main() {
  acme.setLogger((line) => console.error(line));
  const client = await makeClient();
  await commands[command](client);
  fs.writeFileSync(file('account.url'), client.getAccountUrl());
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
