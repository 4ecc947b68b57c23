// GraphiQL on our own page: documentation from the published schema, examples as tabs, and runs through our server,
// which holds the session, the keys and the tokens (doors/developer/graphiql). Nothing here asks another host.
import { useEditorContext, usePluginStore } from "@graphiql/react";
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import accounts from "./examples/accounts.graphql";
import changes from "./examples/changes.graphql";
import history from "./examples/history.graphql";
import refused from "./examples/refused.graphql";
import service from "./examples/service.graphql";
import "./frame.css";
import { readSchema } from "./schema.js";
import { SENT_PLUGIN, TITLE, tell, useLast } from "./sent.jsx";

const OF_ONE_ACCOUNT = JSON.stringify({ account: "" }, null, 2);
const EXAMPLES = [
  { query: accounts },
  { query: history, variables: OF_ONE_ACCOUNT },
  { query: changes, variables: OF_ONE_ACCOUNT },
  { query: service },
  { query: refused },
];
const PLUGINS = [SENT_PLUGIN];
const NOT_SIGNED_IN = {
  errors: [{
    message: "Sign in first: 「見本の顧客でログイン」 above. Documentation and completion work without it.",
    extensions: { code: "NOT_SIGNED_IN" },
  }],
};

const place = document.getElementById("graphiql");
const { run: runUrl, schema: schemaUrl, signedIn } = place.dataset;

async function run({ query, variables, operationName }) {
  if (signedIn !== "true") return NOT_SIGNED_IN;
  const response = await fetch(runUrl, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    // Just after a change of tabs GraphiQL may still hold the name of the other tab's operation.
    body: JSON.stringify({ query, variables, operationName: query.includes(operationName) ? operationName : undefined }),
  });
  const told = await response.json();
  if (!told.answer) return told;
  tell(told);
  return told.answer.body;
}

/** Put the first account that an answer has shown into the variables of a tab that waits for one. */
function AccountFiller() {
  const { variableEditor } = useEditorContext({ nonNull: true });
  const [id, setId] = useState();
  const exchange = useLast();
  const shown = exchange?.answer.body?.data?.accounts?.[0]?.id;
  useEffect(() => {
    if (shown) setId(shown);
  }, [shown]);
  useEffect(() => {
    if (!id || !variableEditor) return undefined;
    const fill = () => {
      if (variableEditor.getValue() === OF_ONE_ACCOUNT) {
        variableEditor.setValue(JSON.stringify({ account: id }, null, 2));
      }
    };
    const later = () => setTimeout(fill);
    fill();
    variableEditor.on("change", later);
    return () => variableEditor.off("change", later);
  }, [id, variableEditor]);
  return null;
}

/** Open a panel as its button at the side does: GraphiQL has no other way that also gives it room. */
function open(title) {
  document.querySelector(`.graphiql-sidebar button[aria-label="Show ${title}"]`)?.click();
}

/** Where there is room, the documentation stands open from the start. */
function OpenDocumentation() {
  const { plugins } = usePluginStore();
  useEffect(() => {
    if (matchMedia("(width >= 62.5rem)").matches) open("Documentation Explorer");
  }, [plugins]);
  return null;
}

function Status() {
  const exchange = useLast();
  if (!exchange) return null;
  return (
    <p className="run-status" lang="ja">
      <span role="status">HTTP {exchange.answer.status}：{exchange.answer.meaning}</span>
      <button type="button" onClick={() => open(TITLE)}>{TITLE}</button>
    </p>
  );
}

const response = await fetch(schemaUrl);
const schema = readSchema(await response.text());
place.replaceChildren();
createRoot(place).render(
  <GraphiQL
    fetcher={run}
    schema={schema}
    defaultTabs={EXAMPLES}
    plugins={PLUGINS}
    forcedTheme="system"
    isHeadersEditorEnabled={false}
    shouldPersistHeaders={false}
    defaultEditorToolsVisibility="variables"
  >
    <GraphiQL.Logo><></></GraphiQL.Logo>
    <GraphiQL.Footer><OpenDocumentation /><AccountFiller /><Status /></GraphiQL.Footer>
  </GraphiQL>,
);
