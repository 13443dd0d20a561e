// Builds the live page into the Python package: one HTML file, and a script, a style sheet and
// an icon with content hashes in their names, so that they may be cached for ever.
// `--tests` bundles the tests instead, `--watch` builds again on every change.

import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const pages = join(here, "..", "citybrain", "http", "pages");

/** The page refers to `{{script}}`, `{{style}}` and `{{icon}}`: put the built names there. */
const writeIndex = {
  name: "write-index",
  setup(build) {
    build.onEnd(async (result) => {
      if (result.errors.length > 0) return;
      const names = Object.keys(result.metafile.outputs).map((path) => basename(path));
      const named = (start, end) => {
        const name = names.find((each) => each.startsWith(start) && each.endsWith(end));
        if (!name) throw new Error(`the build made no ${start}*${end}`);
        return `/assets/${name}`;
      };
      const html = (await readFile(join(here, "index.html"), "utf8"))
        .replaceAll("{{script}}", named("main-", ".js"))
        .replaceAll("{{style}}", named("page-", ".css"))
        .replaceAll("{{icon}}", named("icon-", ".svg"));
      await writeFile(join(pages, "index.html"), html);
      for (const old of await readdir(join(pages, "assets"))) {
        if (!names.includes(old)) await rm(join(pages, "assets", old));
      }
    });
  },
};

const options = {
  absWorkingDir: here,
  entryPoints: ["src/main.ts", "src/page.css", "src/icon.svg"],
  entryNames: "[name]-[hash]",
  outdir: join(pages, "assets"),
  loader: { ".svg": "copy" },
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
  plugins: [writeIndex],
};

if (process.argv.includes("--tests")) {
  const tests = (await readdir(join(here, "test"))).filter((name) => name.endsWith(".test.ts"));
  await rm(join(here, ".tests"), { recursive: true, force: true });
  await esbuild.build({
    absWorkingDir: here,
    entryPoints: tests.map((name) => `test/${name}`),
    outdir: ".tests",
    outExtension: { ".js": ".mjs" },
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "warning",
  });
} else {
  await mkdir(pages, { recursive: true });
  if (process.argv.includes("--watch")) {
    const context = await esbuild.context(options);
    await context.watch();
  } else {
    await esbuild.build(options);
  }
}
