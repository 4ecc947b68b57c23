// An aggregator built on npm's openid-client, which nobody here wrote: private_key_jwt, PAR, PKCE, DPoP, `iss`.
// Driven line by line: one JSON command on stdin, one JSON answer on stdout. The test plays the customer's browser.
// The first line is the settings: issuer, client_id, key (private JWK), alg, redirect_uri, scope, clock_skew (seconds).

import * as readline from 'node:readline/promises'
import * as openid from 'openid-client'

const PARAMETERS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
}

async function connect(settings) {
  const key = await crypto.subtle.importKey('jwk', settings.key, PARAMETERS[settings.alg], false, ['sign'])
  const metadata = { dpop_bound_access_tokens: true, [openid.clockSkew]: settings.clock_skew ?? 0 }
  const authentication = openid.PrivateKeyJwt({ key, kid: settings.key.kid })
  const config = await openid.discovery(new URL(settings.issuer), settings.client_id, metadata, authentication, {
    algorithm: 'oauth2',
    execute: settings.issuer.startsWith('http:') ? [openid.allowInsecureRequests] : [],
  })
  const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
  let verifier, state, tokens

  return {
    async metadata() {
      return config.serverMetadata()
    },
    async start() {
      verifier = openid.randomPKCECodeVerifier()
      state = openid.randomState()
      const url = await openid.buildAuthorizationUrlWithPAR(
        config,
        {
          redirect_uri: settings.redirect_uri,
          scope: settings.scope,
          state,
          code_challenge: await openid.calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        },
        { DPoP },
      )
      return { url: url.href }
    },
    async finish({ callback }) {
      const checks = { pkceCodeVerifier: verifier, expectedState: state }
      tokens = await openid.authorizationCodeGrant(config, new URL(callback), checks, undefined, { DPoP })
      return { scope: tokens.scope, token_type: tokens.token_type, expires_in: tokens.expires_in }
    },
    async refresh({ scope }) {
      const renewed = await openid.refreshTokenGrant(config, tokens.refresh_token, scope && { scope }, { DPoP })
      tokens = { ...renewed, refresh_token: tokens.refresh_token }
      return { scope: renewed.scope, rotated: renewed.refresh_token !== undefined && renewed.refresh_token !== null }
    },
    async query({ url, query }) {
      const headers = new Headers({ 'content-type': 'application/json' })
      const body = JSON.stringify({ query })
      const answer = await openid.fetchProtectedResource(
        config, tokens.access_token, new URL(url), 'POST', body, headers, { DPoP },
      )
      return { status: answer.status, request_id: answer.headers.get('x-request-id'), body: await answer.json() }
    },
    async revoke({ token }) {
      await openid.tokenRevocation(config, tokens[token])
      return {}
    },
  }
}

function told(error) {
  const challenge = error.cause?.[0]?.parameters
  return { error: error.error ?? challenge?.error ?? error.code ?? String(error), status: error.status ?? null }
}

let aggregator
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { command, ...values } = JSON.parse(line)
  let answer
  try {
    if (command === 'connect') {
      aggregator = await connect(values)
      answer = {}
    } else {
      answer = await aggregator[command](values)
    }
  } catch (error) {
    answer = told(error)
  }
  console.log(JSON.stringify(answer))
}
