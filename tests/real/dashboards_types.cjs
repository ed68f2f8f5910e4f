// Checks the types of the dashboards against @grafana/schema, which Grafana itself is built from.
//
//     NODE_PATH=node_modules node tests/real/dashboards_types.cjs DASHBOARD.json...

const fs = require("node:fs");
const path = require("node:path");
const ts = require("typescript");

const SCHEMA = "@grafana/schema";
const PANELS = {
  bargauge: "BarGauge",
  stat: "Stat",
  "state-timeline": "StateTimeline",
  table: "Table",
  timeseries: "TimeSeries",
};

// Of annotations: read by Grafana's Prometheus plugin, which the schema knows nothing of.
const PLUGIN = ["expr", "step", "titleFormat", "textFormat", "tagKeys"];

// Where node_modules is: the source to check stands there in thought, so that its imports are found.
const root = path.dirname(path.dirname(path.dirname(require.resolve(`${SCHEMA}/package.json`))));

function withoutPlugin(dashboard) {
  const list = dashboard.annotations.list.map((annotation) =>
    Object.fromEntries(Object.entries(annotation).filter(([key]) => !PLUGIN.includes(key))),
  );
  return { ...dashboard, annotations: { list } };
}

function source(dashboard) {
  const lines = [
    `import type { Dashboard } from "${SCHEMA}";`,
    ...Object.entries(PANELS).map(([type, name]) => {
      const file = `${SCHEMA}/dist/esm/raw/composable/${type.replace("-", "")}/panelcfg/x/${name}PanelCfg_types.gen`;
      return `import type * as ${name} from "${file}";`;
    }),
    // JSON has the values of enumerations, not their names.
    "type Plain<T> = T extends string ? `${T}` : T extends (infer U)[] ? Plain<U>[]",
    "  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;",
    `export const dashboard: Plain<Dashboard> = ${JSON.stringify(withoutPlugin(dashboard), null, 1)};`,
  ];
  for (const panel of dashboard.panels.filter((panel) => panel.type !== "row")) {
    const name = PANELS[panel.type];
    if (!name) throw new Error(`${panel.title}: the type ${panel.type} is not checked: add it to PANELS`);
    lines.push(`// ${panel.title}`);
    lines.push(`export const options${panel.id}: Plain<${name}.Options> = ${JSON.stringify(panel.options)};`);
    const custom = panel.fieldConfig.defaults.custom;
    if (custom) lines.push(`export const custom${panel.id}: Plain<Partial<${name}.FieldConfig>> = ${JSON.stringify(custom)};`);
  }
  return lines.join("\n");
}

function mistakes(dashboard) {
  const file = path.join(root, "dashboard.ts");
  const text = source(dashboard);
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => name === file || fileExists(name);
  host.readFile = (name) => (name === file ? text : readFile(name));
  host.getSourceFile = (name, ...rest) =>
    name === file ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...rest);
  const program = ts.createProgram([file], options, host);
  return ts.getPreEmitDiagnostics(program).map((found) => {
    const message = ts.flattenDiagnosticMessageText(found.messageText, "\n");
    if (found.file?.fileName !== file) return `${found.file?.fileName}: ${message}`;
    const line = found.file.getLineAndCharacterOfPosition(found.start).line;
    return `${text.split("\n").slice(Math.max(0, line - 2), line + 1).join("\n").slice(0, 600)}\n  ${message}`;
  });
}

let failed = false;
for (const file of process.argv.slice(2)) {
  const dashboard = JSON.parse(fs.readFileSync(file, "utf8"));
  const found = mistakes(dashboard);
  for (const mistake of found) console.error(`${file}:\n${mistake}`);
  // A check that lets everything pass would be worth nothing.
  const panel = dashboard.panels.find((panel) => panel.type === "timeseries");
  const spoiled = [
    { ...dashboard, graphTooltip: "both" },
    { ...dashboard, panels: [{ ...panel, options: { ...panel.options, legend: { ...panel.options.legend, placement: "below" } } }] },
    { ...dashboard, panels: [{ ...panel, fieldConfig: { ...panel.fieldConfig, defaults: { custom: { drawStyle: "curve" } } } }] },
  ];
  const unnoticed = spoiled.filter((wrong) => mistakes(wrong).length === 0);
  if (unnoticed.length > 0) console.error(`${file}: ${unnoticed.length} of ${spoiled.length} mistakes made on purpose were not noticed`);
  failed ||= found.length > 0 || unnoticed.length > 0;
}
if (failed) process.exit(1);
console.log(`the types of ${process.argv.length - 2} dashboards are those of ${SCHEMA}`);
