// An authorization server that others wrote (oidc-provider, certified by the OpenID Foundation), with a path in its
// issuer. It prints its issuer as JSON once it listens, and ends with its stdin.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

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
    }],
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
  console.log(JSON.stringify({ issuer }));
});
process.stdin.resume().on('end', () => process.exit(0));
