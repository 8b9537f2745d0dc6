// Builds what the pages load from `src/` and the locked packages, into the folder of static files.
import { build } from "esbuild";
import { copyFile, mkdir, rm } from "node:fs/promises";

const built = new URL("../static/pages/built/", import.meta.url).pathname;
await rm(built, { recursive: true, force: true });
await mkdir(built, { recursive: true });
await build({
  entryPoints: ["src/map.js", "src/device.js", "src/place.js", "src/console.js"],
  outdir: built,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2020",
  loader: { ".png": "dataurl" },
  legalComments: "linked",
  logLevel: "warning",
});
// Countries: coarse with the page, fine once somebody looks closely.
for (const scale of ["110m", "50m"]) {
  await copyFile(`node_modules/world-atlas/countries-${scale}.json`, `${built}countries-${scale}.json`);
}
