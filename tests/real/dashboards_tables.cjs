// Runs the table panels' transformations with Grafana's own code on what Prometheus answered, and checks that what
// the columns' settings, the order of rows and the links name is there.
//
//     NODE_PATH=node_modules esbuild tests/real/dashboards_tables.cjs --bundle --platform=node --outfile=tables.cjs
//     node tables.cjs FRAMES.json

const fs = require("node:fs");
const { firstValueFrom } = require("rxjs");
const { getFieldDisplayValuesProxy, standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame } =
  require("@grafana/data");

// It looks there for a scene, which there is none of.
globalThis.window ??= {};

const USED = [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer];

standardTransformersRegistry.setInit(() =>
  USED.map(({ id, name, ...rest }) => ({ id, name, transformation: () => Promise.resolve({ id, name, ...rest }) })),
);

async function mistakes({ panel, frames }) {
  for (const { id } of panel.transformations) {
    // Grafana passes over those that it does not know.
    if (!USED.some((used) => used.id === id)) return [`the transformation ${id} is not checked: add it to USED`];
  }
  const context = { interpolate: (text) => text };
  const result = await firstValueFrom(transformDataFrame(panel.transformations, frames.map(toDataFrame), context));
  if (result.length !== 1) return [`${result.length} tables`];
  const [frame] = result;
  const columns = frame.fields.map((field) => field.config.displayName ?? field.name);
  const rows = Math.max(...frames.map((given) => given.fields[0].values.length));
  const found = [];
  const expect = (holds, message) => holds || found.push(message);

  expect(frame.length >= rows, `${frame.length} rows of ${rows}`);
  expect(!columns.some((column) => /^Value|^Time$/.test(column)), `columns without a name: ${columns}`);
  const named = panel.fieldConfig.overrides.map((override) => override.matcher.options);
  const sorted = panel.options.sortBy.map((sort) => sort.displayName);
  const { renameByName, excludeByName, indexByName } = panel.transformations.find(({ id }) => id === "organize").options;
  const wanted = [...named, ...sorted, ...Object.values(renameByName)];
  for (const column of wanted) expect(columns.includes(column), `no column ${column}: ${columns}`);
  const given = frames.flatMap((each) => each.fields.map((field) => field.name));
  const before = [...Object.keys(renameByName), ...Object.keys(excludeByName), ...Object.keys(indexByName)];
  for (const field of before) expect(given.includes(field), `no field ${field}: ${given}`);
  const shown = Object.keys(indexByName).map((field) => renameByName[field]);
  expect(JSON.stringify(shown) === JSON.stringify(columns), `not in order: ${columns}, not ${shown}`);

  const fields = getFieldDisplayValuesProxy({ frame, rowIndex: 0 });
  const links = JSON.stringify(panel.fieldConfig).matchAll(/\$\{__data\.fields\.([^:}]+)/g);
  for (const [, field] of links) expect(fields[field] !== undefined, `a link names ${field}: ${columns}`);
  return found;
}

async function main() {
  const tables = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  let failed = tables.length === 0;
  for (const table of tables) {
    for (const mistake of await mistakes(table)) {
      console.error(`${table.panel.title}: ${mistake}`);
      failed = true;
    }
  }
  if (failed) process.exit(1);
  console.log(`Grafana's transformations give ${tables.length} tables their columns`);
}

main();
