// A small aggregator (API連携事業者) in one file, on npm's openid-client, which makes and checks every proof itself.
//
//   node aggregator.mjs keys       make its keys: keys.json stays here, jwks.json goes to the credit union
//   node aggregator.mjs connect    send the customer to the consent page, then read
//   node aggregator.mjs read       accounts, balances and the newest movements
//   node aggregator.mjs sync       keep a copy of the history: what came, changed or was withdrawn
//   node aggregator.mjs end        end the registration (利用登録)
//
// What it knows lies beside you: client.json (from the credit union), keys.json (private), tokens.json (one
// customer's), copy.json (the history). A real service keeps all of it in its own vault, the last two for each customer.

import { existsSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import * as openid from 'openid-client'

const READ = `query Read {
  accounts {
    branch { name }
    type
    balance { current freshness { asOf completeness } }
    transactions(first: 5) { nodes { bookedOn direction amount description } }
  }
}`
const ACCOUNTS = 'query Accounts { accounts { id branch { name } type } }'
const CHANGES = `query Changes($account: ID!, $after: String) {
  changes(account: $account, first: 500, after: $after) {
    removed { id }
    added { ...row }
    corrected { ...row }
    cursor
    hasMore
    period { from }
  }
}
fragment row on Transaction { id bookedOn orderInDay direction amount description }`
const ES256 = { name: 'ECDSA', namedCurve: 'P-256' }
const LONGEST_WAIT = 30 // seconds; told to wait for longer, this program gives up, and a real one comes back then

/** The credit union said no, and waiting a little does not help. `over`: only the customer can register again. */
class Refused extends Error {
  constructor(why, over = false) {
    super(why)
    this.over = over
  }
}

/** This client at its credit union, and the one registration that it holds. */
export class Aggregator {
  static async open(client = load('client.json'), keys = load('keys.json')) {
    if (!client || !keys) {
      throw new Refused('run `keys`, then save as client.json what `madoguchi aggregator add … --json` prints')
    }
    const aggregator = new Aggregator()
    const key = await crypto.subtle.importKey('jwk', keys.client, ES256, false, ['sign'])
    aggregator.client = client
    aggregator.config = await openid.discovery(
      new URL(client.issuer),
      client.client_id,
      { dpop_bound_access_tokens: true },
      openid.PrivateKeyJwt({ key, kid: keys.client.kid }),
      // openid-client refuses http; the sandbox on your own machine is the exception
      { algorithm: 'oauth2', execute: client.issuer.startsWith('http://127.0.0.1') ? [openid.allowInsecureRequests] : [] },
    )
    aggregator.api = new URL(aggregator.config.serverMetadata().protected_resources[0])
    const { d, key_ops, ...shown } = keys.proof
    aggregator.DPoP = openid.getDPoPHandle(aggregator.config, {
      privateKey: await crypto.subtle.importKey('jwk', keys.proof, ES256, false, ['sign']),
      publicKey: await crypto.subtle.importKey('jwk', shown, ES256, true, ['verify']),
    })
    return aggregator
  }

  // [connect]
  /** Push the request, wait for the customer to come back, redeem the code. */
  async connect() {
    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const expectedState = openid.randomState()
    const callback = await listen(this.client.redirect_uris[0], expectedState)
    const url = await openid.buildAuthorizationUrlWithPAR(
      this.config,
      {
        redirect_uri: this.client.redirect_uris[0],
        scope: this.client.scope,
        state: expectedState,
        code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
        code_challenge_method: 'S256',
      },
      { DPoP: this.DPoP },
    ).catch((error) => {
      callback.stop()
      throw error
    })
    console.log('Within 90 seconds open this address in a browser, log in as the customer, and agree:')
    console.log(`\n  ${url.href}\n`)
    const checks = { pkceCodeVerifier, expectedState } // and `iss`, which openid-client always checks (RFC 9207)
    const came = await callback.came
    this.keep(await openid.authorizationCodeGrant(this.config, came, checks, undefined, { DPoP: this.DPoP }))
    console.log(`Registered. The customer allowed: ${this.tokens.scope}`)
  }
  // [/connect]

  /** A new access token. The refresh token stays the same until the registration ends. */
  async refresh() {
    const given = await waiting(() =>
      openid.refreshTokenGrant(this.config, this.tokens.refresh_token, undefined, { DPoP: this.DPoP }),
    )
    this.keep({ refresh_token: this.tokens.refresh_token, ...given })
  }

  /** Revoke the refresh token: the registration ends (RFC 7009, clause 5-1). */
  async end() {
    await openid.tokenRevocation(this.config, this.tokens.refresh_token)
    rmSync('tokens.json')
    console.log('The registration has ended.')
  }

  get tokens() {
    const tokens = load('tokens.json')
    if (!tokens) throw new Refused('there is no registration', true)
    return tokens
  }

  keep(given) {
    save('tokens.json', { ...given, expires_at: Date.now() / 1000 + given.expires_in })
  }

  // [ask]
  /** Data and errors of one operation. A token that has run out is renewed, and after a 401 once more. */
  async ask(query, variables = {}) {
    if (this.tokens.expires_at < Date.now() / 1000 + 10) await this.refresh()
    let answer
    try {
      answer = await this.query(query, variables)
    } catch (error) {
      if (error.status !== 401) throw error
      await this.refresh() // fails with invalid_grant when the registration has ended
      answer = await this.query(query, variables)
    }
    const { data, errors = [] } = await answer.json()
    if (!data) throw new Refused(told(errors))
    return { data, errors }
  }

  query(query, variables) {
    const headers = new Headers({
      'accept': 'application/graphql-response+json',
      'content-type': 'application/json',
      // The address of the customer who is looking; leave it out when nobody is (an unattended call).
      'x-fapi-customer-ip-address': '203.0.113.7',
    })
    const body = JSON.stringify({ query, variables })
    return waiting(() =>
      openid.fetchProtectedResource(this.config, this.tokens.access_token, this.api, 'POST', body, headers, {
        DPoP: this.DPoP,
      }),
    )
  }
  // [/ask]
}

// [send]
/** Do it. Told to wait (429, 503), wait and do it anew: proofs and assertions serve once. */
async function waiting(request) {
  for (let waited = 0; ; ) {
    const answer = await request().catch((error) => {
      if (error.status === 503) return error // what the token endpoint refuses comes as an error
      throw error
    })
    if (answer.status !== 429 && answer.status !== 503) return answer
    const wait = Number((answer.response ?? answer).headers.get('retry-after') ?? 5)
    waited += wait
    if (waited > LONGEST_WAIT) {
      const why = answer.error_description ?? (await answer.text())
      throw new Refused(`HTTP ${answer.status}, come back in ${wait} seconds: ${why}`)
    }
    await setTimeout(wait * 1000)
  }
}
// [/send]

/** Show what may be read, always with the moment it held (clause 6-1). */
async function read(aggregator) {
  const { data, errors } = await aggregator.ask(READ)
  if (!data.accounts) throw new Refused(told(errors))
  for (const { branch, type, balance, transactions } of data.accounts) {
    console.log(`\n${branch.name} ${type}`)
    if (balance) {
      const { asOf, completeness } = balance.freshness
      console.log(`  balance ${balance.current.toLocaleString('en')} yen as of ${asOf} (${completeness})`)
    }
    for (const { bookedOn, direction, amount, description } of transactions?.nodes ?? []) {
      const signed = (direction === 'DEPOSIT' ? '+' : '-') + amount.toLocaleString('en')
      console.log(`  ${bookedOn} ${signed.padStart(12)}  ${description}`)
    }
  }
  if (errors.length) console.log(`\nNot given: ${told(errors)}`)
}

// [sync]
/** Keep a copy of each account's history: rows by id, and the cursor to go on from. */
async function sync(aggregator) {
  const copies = load('copy.json') ?? {}
  const { data, errors } = await aggregator.ask(ACCOUNTS)
  if (errors.length) throw new Refused(told(errors))
  for (const { id: account, branch, type } of data.accounts) {
    const copy = (copies[account] ??= { cursor: null, rows: {} })
    let came = 0
    let gone = 0
    for (let more = true; more; ) {
      const { data, errors } = await aggregator.ask(CHANGES, { account, after: copy.cursor })
      if (errors.some((error) => error.extensions.code === 'CURSOR_EXPIRED')) {
        Object.assign(copy, { cursor: null, rows: {} }) // forget the account's rows and begin again
        continue
      }
      if (errors.length) throw new Refused(told(errors))
      const { removed, added, corrected, cursor, hasMore, period } = data.changes
      for (const { id } of removed) {
        gone += id in copy.rows
        delete copy.rows[id]
      }
      for (const row of [...added, ...corrected]) {
        copy.rows[row.id] = row
        came += 1
      }
      const kept = Object.entries(copy.rows).filter(([, row]) => row.bookedOn >= period.from)
      Object.assign(copy, { cursor, rows: Object.fromEntries(kept) })
      save('copy.json', copies) // rows and cursor together
      more = hasMore
    }
    const held = Object.keys(copy.rows).length
    console.log(`${branch.name} ${type}: ${came} new or changed, ${gone} withdrawn, ${held} held`)
  }
}
// [/sync]

/** Each reason once: code, clause, what to do, and when to come back. */
function told(errors) {
  const lines = errors.map(({ message, extensions: { code, clause, retryAt } }) => {
    return `${code} (clause ${clause}): ${message}${retryAt ? ` retryAt is ${retryAt}.` : ''}`
  })
  return [...new Set(lines)].join('\n')
}

/** Our redirect URI, on this machine. What comes with another `state` is not of our request: it is not taken. */
function listen(redirectUri, state) {
  const address = new URL(redirectUri)
  let arrive
  const came = new Promise((resolve) => (arrive = resolve))
  const server = createServer((request, response) => {
    const url = new URL(request.url, address)
    const ours = url.pathname === address.pathname && url.searchParams.get('state') === state
    response.writeHead(ours ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8', 'connection': 'close' })
    response.end(ours ? 'Back at the aggregator. You may close this page.' : 'Nothing here.')
    if (ours) {
      server.close()
      arrive(url)
    }
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(Number(address.port || 80), address.hostname, () => resolve({ came, stop: () => server.close() }))
  })
}

/** One key says who we are; the other binds tokens to us. Only the public half of the first leaves this machine. */
async function makeKeys() {
  if (load('keys.json')) throw new Refused('keys.json is there already, and a registration may depend on it')
  const keys = {}
  for (const name of ['client', 'proof']) {
    const { privateKey } = await crypto.subtle.generateKey(ES256, true, ['sign', 'verify'])
    keys[name] = { ...(await crypto.subtle.exportKey('jwk', privateKey)), kid: `${name}-1` }
  }
  const { kty, crv, x, y, kid } = keys.client
  save('keys.json', keys)
  save('jwks.json', { keys: [{ kty, crv, x, y, kid, use: 'sig', alg: 'ES256' }] })
  console.log('keys.json is yours alone; give jwks.json to the credit union.')
}

function load(name) {
  return existsSync(name) ? JSON.parse(readFileSync(name, 'utf8')) : null
}

/** Write it whole or not at all, for its owner alone to read. */
function save(name, what) {
  rmSync(`${name}.new`, { force: true })
  writeFileSync(`${name}.new`, JSON.stringify(what, null, 1), { mode: 0o600, flag: 'wx' })
  renameSync(`${name}.new`, name)
}

const COMMANDS = {
  connect: async (aggregator) => {
    await aggregator.connect()
    await read(aggregator)
  },
  read,
  sync,
  end: (aggregator) => aggregator.end(),
}

/** 0: done. 1: refused, or not reached. 2: no such command. 3: the customer has to register again. */
async function main(command) {
  try {
    if (command === 'keys') await makeKeys()
    else if (Object.hasOwn(COMMANDS, command)) await COMMANDS[command](await Aggregator.open())
    else {
      console.log('node aggregator.mjs keys|connect|read|sync|end')
      return 2
    }
  } catch (error) {
    const why = [error.error, error.error_description].filter(Boolean).join(' ') || error.message
    if (error.over || error.error === 'invalid_grant') {
      console.error(`Ask the customer to register (\`connect\`): ${why}`)
      return 3
    }
    console.error(`It did not work: ${why}`)
    return 1
  }
  return 0
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv[2] ?? '')
