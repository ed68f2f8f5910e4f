// Draws a dashboard with Grafana's own UI components from window.DATA, which pictures.py wrote. The components are
// real, with their units, thresholds, mappings and transformations; the page around them is not Grafana.

import {
  applyFieldOverrides,
  createTheme,
  dateTime,
  FieldConfigOptionsRegistry,
  getFieldDisplayValues,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  ThemeContext,
  toDataFrame,
  transformDataFrame,
} from "@grafana/data";
import { initPluginTranslations } from "@grafana/i18n";
import { BarGauge, BigValue, GlobalStyles, PanelChrome, Table, TimeSeries, VizRepeater } from "@grafana/ui";
import React from "react";
import { createRoot } from "react-dom/client";
import { firstValueFrom } from "rxjs";

const DATA = (window as any).DATA;
const ROW = 38;
const HEAD = 50;
const theme = createTheme({ colors: { mode: "dark" } });
const as_it_is = (text: string) => text;
const range: any = { from: dateTime(DATA.from), to: dateTime(DATA.to) };
range.raw = { from: range.from, to: range.to };

const USED: any[] = [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer];
standardTransformersRegistry.setInit(() =>
  USED.map((used) => ({ ...used, transformation: () => Promise.resolve(used) })),
);
standardFieldConfigEditorRegistry.setInit(() => []);
// Grafana's panels register the settings that overrides may change; these are the ones that are changed.
const settings = new FieldConfigOptionsRegistry();
const CHANGED = ["unit", "decimals", "mappings", "color", "thresholds", "min", "custom.cellOptions", "custom.width"];
settings.setInit(() =>
  CHANGED.map(
    (id): any => ({
      id,
      name: id,
      path: id.replace("custom.", ""),
      isCustom: id.startsWith("custom."),
      override: (value: any) => value,
      process: (value: any) => value,
      shouldApply: () => true,
    }),
  ),
);

async function framesOf({ frames, transformations, fieldConfig }: any) {
  const context: any = { interpolate: as_it_is };
  const transformed = await firstValueFrom(transformDataFrame(transformations ?? [], frames.map(toDataFrame), context));
  const data = applyFieldOverrides({
    data: transformed,
    fieldConfig,
    replaceVariables: as_it_is,
    theme,
    timeZone: "utc",
    fieldConfigRegistry: settings,
  });
  for (const field of data.flatMap((frame) => frame.fields)) {
    field.config.custom = { ...fieldConfig.defaults.custom, ...field.config.custom };
  }
  return data;
}

function valuesOf({ fieldConfig, options, data }: any): any[] {
  const wanted: any = { fieldConfig, reduceOptions: options.reduceOptions, replaceVariables: as_it_is, theme, data };
  return getFieldDisplayValues({ ...wanted, timeZone: "utc", sparkline: options.graphMode === "area" });
}

function Body({ panel, width, height }: any) {
  const { data, options } = panel;
  switch (panel.type) {
    case "stat": {
      const [value] = valuesOf(panel);
      const { colorMode, graphMode, justifyMode } = options;
      const shown: any = { value: value.display, sparkline: value.sparkline, colorMode, graphMode, justifyMode };
      return <BigValue {...shown} theme={theme} width={width} height={height} textMode={(options.textMode === "name" ? "name" : "value") as any} />;
    }
    case "table":
      return data[0]?.length ? (
        <Table {...{ data: data[0], width, height, timeRange: range, initialSortBy: options.sortBy }} cellHeight={"sm" as any} />
      ) : (
        <div style={{ padding: 8 }}>{panel.fieldConfig.defaults.noValue}</div>
      );
    case "bargauge": {
      const values = valuesOf(panel);
      const max = Math.max(...values.map((value) => value.display.numeric));
      const bar = ({ width, height, value }: any) => (
        <BarGauge {...{ width, height, theme, value: value.display, field: { ...value.field, max } }} orientation={"horizontal" as any} displayMode={options.displayMode} text={{ titleSize: 12, valueSize: 14 }} />
      );
      return <VizRepeater {...{ width, height, source: data, itemSpacing: 8, renderCounter: 0, renderValue: bar }} getValues={() => values} orientation={"horizontal" as any} />;
    }
    case "timeseries":
      return <TimeSeries {...{ frames: data, timeRange: range, width, height, options, legend: options.legend }} theme={theme as any} timeZone="utc" structureRev={1} />;
    default:
      return <div style={{ opacity: 0.6, padding: 8 }}>Left out here: a {panel.type} is not among the UI components.</div>;
  }
}

function Panel({ panel }: any) {
  const { x, y, w, h } = panel.gridPos;
  const column = DATA.width / 24;
  const [width, height] = [w * column - 8, h * ROW - 8];
  const place: any = { position: "absolute", left: x * column + 4, top: HEAD + y * ROW, width, height };
  if (panel.type === "row") return <div style={{ ...place, fontSize: 16, paddingTop: 6 }}>{panel.title}</div>;
  return (
    <div style={place}>
      <PanelChrome title={panel.title} width={width} height={height} padding={panel.type === "table" ? "none" : "md"}>
        {(width: number, height: number) => <Body panel={panel} width={width} height={height} />}
      </PanelChrome>
    </div>
  );
}

function Page({ panels }: any) {
  const { canvas } = theme.colors.background;
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ position: "relative", height: DATA.height, background: canvas, color: theme.colors.text.primary }}>
        <div style={{ padding: 12, fontSize: 18 }}>
          {DATA.title}
          <span style={{ float: "right", fontSize: 12 }}>
            drawn with Grafana&apos;s UI components from the demo&apos;s data; not a Grafana screenshot
          </span>
        </div>
        {panels.map((panel: any) => (
          <Panel key={panel.id} panel={panel} />
        ))}
      </div>
    </ThemeContext.Provider>
  );
}

async function draw() {
  await initPluginTranslations("pictures");
  const panels = await Promise.all(
    DATA.panels.map(async (panel: any) => (panel.type === "row" ? panel : { ...panel, data: await framesOf(panel) })),
  );
  createRoot(document.getElementById("root")!, { onUncaughtError: fail }).render(<Page panels={panels} />);
  // The legends of graphs take their place in a second layout.
  setTimeout(() => ((window as any).drawn ??= "drawn"), 2000);
}

function fail(error: any) {
  (window as any).drawn = String(error?.stack ?? error);
}

draw().catch(fail);
