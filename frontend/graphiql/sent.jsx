// 「事業者のサーバーが送る形」: the last request as an aggregator's server sends it, each part explained, and as Python.
// What is told here comes from the server, which made the request (doors/developer/graphiql/showing.py).
import { useState, useSyncExternalStore } from "react";

export const TITLE = "事業者のサーバーが送る形";

let last = null;
const watchers = new Set();

/** Remember what was sent and what came back. */
export function tell(exchange) {
  last = exchange;
  for (const changed of watchers) changed();
}

function watch(changed) {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

export const useLast = () => useSyncExternalStore(watch, () => last);

export const SENT_PLUGIN = { title: TITLE, icon: Icon, content: Panel };

function Icon(props) {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" strokeWidth="1.75"
      strokeLinecap="round" strokeLinejoin="round" {...props}>
      <path d="M3 8h15m-4.5-4.5L18 8l-4.5 4.5M21 16H6m4.5-4.5L6 16l4.5 4.5" />
    </svg>
  );
}

function Panel() {
  const exchange = useLast();
  return (
    <section className="sent" lang="ja" aria-label={TITLE}>
      <h2 className="sent-title">{TITLE}</h2>
      <p className="sent-note" lang="en">As an aggregator sends it</p>
      {exchange ? <Exchange {...exchange} /> : (
        <p>操作を実行すると、ここに、事業者のサーバーが当組合に送ったHTTPの要求と、その意味を表示します。</p>
      )}
    </section>
  );
}

function Exchange({ sent, answer }) {
  return (
    <>
      <Copy text={sent.python} label="Pythonとしてコピー" />
      <p className="sent-note">{sent.python_note}</p>
      <h3>要求</h3>
      <p className="sent-line"><code>{sent.method} {sent.url}</code></p>
      <Parts parts={sent.headers} />
      <h3>DPoPの証明（ヘッダー）</h3>
      <Parts parts={sent.proof_header} />
      <h3>DPoPの証明（内容）</h3>
      <Parts parts={sent.proof_claims} />
      <h3>本文</h3>
      <pre tabIndex={0} aria-label="本文">{sent.body}</pre>
      <Copy text={sent.body} label="本文をコピー" />
      <h3>回答</h3>
      <p className="sent-line"><code>{answer.status}</code> {answer.meaning}</p>
      <Parts parts={answer.headers} />
      <h3>Python</h3>
      <pre tabIndex={0} aria-label="Python">{sent.python}</pre>
    </>
  );
}

function Parts({ parts }) {
  return (
    <dl className="sent-parts">
      {parts.map(({ name, value, meaning }) => (
        <div key={name}>
          <dt><code>{name}</code></dt>
          <dd><code className="sent-value">{value}</code></dd>
          <dd>{meaning}</dd>
        </div>
      ))}
    </dl>
  );
}

function Copy({ text, label }) {
  const [said, say] = useState("");
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => say("コピーしました"),
      () => say("コピーできませんでした。下の文を選んでコピーしてください"),
    );
  return (
    <p className="sent-copy">
      <button type="button" onClick={copy}>{label}</button>
      <span role="status">{said}</span>
    </p>
  );
}
