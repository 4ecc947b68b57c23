// Bundles GraphiQL with our own entry file into static/built/: one script, one style sheet, and the licences of what
// is in them. Called by backend/setup/graphiql.sh after `npm ci`; what it writes is never committed.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const FOLDER = "../static/built";

// The house uses the fonts of the reader's system; GraphiQL's own come inside its style sheet.
const withoutFonts = {
  name: "without-fonts",
  setup({ onLoad }) {
    onLoad({ filter: /node_modules.*\.css$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8")).replace(/@font-face\s*\{[^}]*\}/g, ""),
      loader: "css",
    }));
  },
};

// It locks the page's scrolling behind a dialogue by a <style> element, which our policy refuses; unlocked does no harm.
const withoutInlineStyles = {
  name: "without-inline-styles",
  setup({ onLoad }) {
    onLoad({ filter: /react-style-singleton.*hook\.js$/ }, () => ({
      contents: "export const styleHookSingleton = () => () => {};",
      loader: "js",
    }));
  },
};

const { metafile } = await build({
  entryPoints: { graphiql: "entry.jsx" },
  outdir: FOLDER,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  loader: { ".graphql": "text" },
  define: { "process.env.NODE_ENV": '"production"' },
  legalComments: "none",
  metafile: true,
  plugins: [withoutFonts, withoutInlineStyles],
});

const packages = new Set(
  Object.keys(metafile.inputs)
    .map((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path.replace(/^[\w-]+:/, ""))?.[0])
    .filter(Boolean),
);
const notices = await Promise.all([...packages].sort().map(notice));
await writeFile(join(FOLDER, "graphiql.licences.txt"), notices.join("\n\n"));

/** Name, version and licence text of one package in the bundle. */
async function notice(folder) {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? await readFile(join(folder, file), "utf8") : `Licence: ${license}`;
  return `${name} ${version}\n\n${text.trim()}\n`;
}
