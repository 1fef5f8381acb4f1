// An authorization server that others wrote (oidc-provider, certified by the OpenID Foundation), with a path in its
// issuer. It prints its issuer, and the private key of the client with-a-key, as JSON once it listens, and ends with its stdin.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const confidential = {
  application_type: 'native',
  client_secret: 'a+secret/with:characters',
  redirect_uris: ['http://localhost/signed-in'],
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}/tenant`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'registered-by-hand',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
    }, {
      ...confidential, client_id: 'with-a-secret', token_endpoint_auth_method: 'client_secret_basic',
    }, {
      ...confidential, client_id: 'with-a-posted-secret', token_endpoint_auth_method: 'client_secret_post',
    }, {
      ...confidential, client_id: 'with-a-key', client_secret: undefined, token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [key.publicKey.export({ format: 'jwk' })] },
    }],
    clientAuthMethods: process.argv.includes('--post') ? ['client_secret_post'] : ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      registration: { enabled: process.argv.includes('--registration') },
      revocation: { enabled: true },
    },
    rotateRefreshToken: true,
    ttl: { AccessToken: 1, DeviceCode: process.argv.includes('--hurried') ? 3 : 600, RefreshToken: 3600, Grant: 3600, Session: 3600, Interaction: 600 },
  });
  const handle = provider.callback();
  server.on('request', (req, res) => {
    if (!req.url.startsWith('/tenant/')) {
      res.statusCode = 404;
      res.end();
      return;
    }
    req.originalUrl = req.url;
    req.url = req.url.slice('/tenant'.length);
    handle(req, res);
  });
  console.log(JSON.stringify({ issuer, key: key.privateKey.export({ format: 'pem', type: 'pkcs8' }) }));
});
process.stdin.resume().on('end', () => process.exit(0));
