// Builds the four clients into the Python package: one HTML file a client and page, everything else
// in static/ with a content hash in its name, so that it may be cached for ever, and packed
// beforehand (gzip, brotli): the server only chooses a file.

import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import * as OpenCC from "opencc-js/cn2t";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = import.meta.dirname;
const pages = join(here, "..", "citybrain", "http", "pages");
const server = join(here, "..", "citybrain");
const HANT_NAMES = "virtual:hant-names";
const CLIENTS = ["phone", "board", "desk", "audit"];
const PACKED = /\.(js|mjs|css|svg|json|html|webmanifest)$/;
const LEAST_PACKED_BYTES = 1024;

/**
 * `words.ts?hant`, `words.json?hant`: the same file in traditional characters, in the forms that are read today (為, 核).
 * `virtual:hant-names`: the table by which a page converts the names that the API brings.
 */
function traditional(): Plugin {
  const convert = OpenCC.Converter({ from: "cn", to: "tw" });
  return {
    name: "traditional",
    enforce: "pre",
    resolveId: (id) => (id === HANT_NAMES ? `\0${HANT_NAMES}` : null),
    async load(id) {
      if (id === `\0${HANT_NAMES}`) return hantNames(convert);
      const [path, query] = id.split("?");
      if (query !== "hant" || !path) return null;
      this.addWatchFile(path);
      return { code: convert(await readFile(path, "utf8")), moduleType: path.endsWith(".json") ? "json" : "ts" };
    },
  };
}

/** Each character by itself; and whole runs of what comes along where that would be wrong. */
async function hantNames(convert: (text: string) => string): Promise<string> {
  const characters = new Map<string, string>();
  for (let code = 0x4e00; code <= 0x9fff; code++) {
    const [from, to] = [String.fromCharCode(code), convert(String.fromCharCode(code))];
    if (to !== from && to.length === 1) characters.set(from, to);
  }
  const runs: Record<string, string> = {};
  for (const name of await readdir(server, { recursive: true })) {
    if (!name.endsWith(".yaml")) continue;
    for (const [run] of (await readFile(join(server, name), "utf8")).matchAll(/[\u4e00-\u9fff]+/g)) {
      const whole = convert(run);
      if ([...run].map((each) => characters.get(each) ?? each).join("") !== whole) runs[run] = whole;
    }
  }
  const pairs = [...characters].flat().join("");
  return `export const pairs = ${JSON.stringify(pairs)};\nexport const runs = ${JSON.stringify(runs)};`;
}

/** Beside each file that gains by it, the same packed. */
function packed(): Plugin {
  return {
    name: "packed",
    apply: "build",
    async closeBundle() {
      for (const folder of ["static", ...CLIENTS]) {
        if (!existsSync(join(pages, folder))) continue;
        const names = await readdir(join(pages, folder));
        await Promise.all(names.filter((name) => PACKED.test(name)).map((name) => pack(join(pages, folder, name))));
      }
    },
  };
}

async function pack(path: string): Promise<void> {
  const body = await readFile(path);
  if (body.length < LEAST_PACKED_BYTES) return;
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  await writeFile(`${path}.gz`, await promisify(gzip)(body, { level: 9 }));
  await writeFile(`${path}.br`, await promisify(brotliCompress)(body, quality));
}

/** What an earlier build left goes. */
function emptied(): Plugin {
  return {
    name: "emptied",
    apply: "build",
    async buildStart() {
      for (const folder of ["static", ...CLIENTS]) {
        await rm(join(pages, folder), { recursive: true, force: true });
      }
    },
  };
}

/** What makes the phone an app: its manifest, its icon, and the list of files to keep. */
function installable(): Plugin {
  return {
    name: "installable",
    apply: "build",
    async generateBundle(_, bundle) {
      const files = new Set<string>();
      const open = ["phone/index"];
      const chunks = Object.values(bundle).filter((each) => each.type === "chunk");
      while (open.length > 0) {
        const wanted = open.pop();
        const chunk = chunks.find((each) => each.fileName === wanted || (each.isEntry && each.name === wanted));
        if (chunk === undefined || files.has(`/${chunk.fileName}`)) continue;
        files.add(`/${chunk.fileName}`);
        for (const name of [...(chunk.viteMetadata?.importedCss ?? []), ...(chunk.viteMetadata?.importedAssets ?? [])]) files.add(`/${name}`);
        open.push(...chunk.imports, ...chunk.dynamicImports);
      }
      const emit = (fileName: string, source: string): void => void this.emitFile({ type: "asset", fileName, source });
      emit("phone/files.json", JSON.stringify([...files].sort()));
      emit("phone/app.webmanifest", await readFile(join(here, "phone", "app.webmanifest"), "utf8"));
      emit("phone/icon.svg", await readFile(join(here, "shared", "icon.svg"), "utf8"));
    },
  };
}

const inputs = CLIENTS.flatMap((client) => ["index.html", "stories.html"].map((page) => join(client, page)));
const workers = Object.fromEntries(
  CLIENTS.filter((client) => existsSync(join(here, client, "sw.ts"))).map((client) => [`${client}/sw`, `${client}/sw.ts`]),
);

export default defineConfig({
  root: here,
  base: "/",
  publicDir: false,
  plugins: [traditional(), vue(), emptied(), installable(), packed()],
  define: { __VUE_OPTIONS_API__: "false", __INTLIFY_PROD_DEVTOOLS__: "false" },
  build: {
    outDir: pages,
    emptyOutDir: false,
    assetsDir: "static",
    assetsInlineLimit: 0,
    target: ["es2022", "chrome111", "firefox113", "safari16.4"],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
    manifest: "manifest.json",
    rolldownOptions: {
      input: { ...Object.fromEntries(inputs.map((path) => [path.replace(".html", ""), path])), ...workers },
      output: {
        entryFileNames: (chunk) => 
          chunk.name.endsWith("/sw") ? "[name].js" : `static/${chunk.name.replace("/", "-")}-[hash].js`,
      },
    },
  },
  test: { environment: "happy-dom", include: ["{shared,phone,board,desk,audit}/**/*.test.ts"] },
});
