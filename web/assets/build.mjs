// Builds the browser's files into the folder given as the first argument: hashed names, a manifest, compressed copies.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const out = process.argv[2];

const common = {
  bundle: true,
  minify: true,
  target: "es2022",
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "chunk-[hash]",
  assetNames: "[name]-[hash]",
  legalComments: "none", // third-party.txt has every licence
  metafile: true,
  logLevel: "warning",
};

const results = [
  await build({
    ...common,
    entryPoints: ["src/app.js", "src/editor.js", "src/runlog.js", "src/app.css"],
    format: "esm",
    splitting: true,
    loader: { ".svg": "dataurl" },
  }),
  // Set before the first paint, so it is a classic script and needs no module loading.
  await build({ ...common, entryPoints: ["src/theme.js"], format: "iife" }),
];

const manifest = {};
const packages = new Set(["acorn"]);
for (const { metafile } of results) {
  for (const [file, { entryPoint, inputs }] of Object.entries(metafile.outputs)) {
    if (entryPoint) manifest[basename(entryPoint)] = basename(file);
    for (const input of Object.keys(inputs)) {
      const name = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1];
      if (name) packages.add(name);
    }
  }
}
copyHashed("src/favicon.svg");
writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest, Object.keys(manifest).sort(), 2) + "\n");
writeFileSync(join(out, "third-party.txt"), [...packages].sort().map(licence).join("\n\n"));
for (const name of readdirSync(out)) {
  if (/\.(js|css|svg)$/.test(name)) compress(join(out, name));
}

function copyHashed(path) {
  const content = readFileSync(path);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8);
  const name = basename(path).replace(".", `-${hash}.`);
  writeFileSync(join(out, name), content);
  manifest[basename(path)] = name;
}

function compress(path) {
  const content = readFileSync(path);
  writeFileSync(path + ".gz", gzipSync(content, { level: 9 }));
  writeFileSync(path + ".br", brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}

function licence(name) {
  const folder = join("node_modules", name);
  const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const file = ["LICENSE", "LICENSE.md", "LICENSE.txt"].map((f) => join(folder, f)).find((f) => existsSync(f));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(file, "utf8").trim() : ""}\n`;
}
