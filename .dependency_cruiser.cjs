/**
 * Who may import whom. tests/house/import_rules.test.ts plants one violation of each rule and
 * wants it refused: with the wrong parser dependency-cruiser skips every .ts file and is content.
 */

/** Each ring of core may use the rings listed, and itself. */
const rings = {
  base: [],
  bytes: ["base"],
  wire: ["base", "bytes"],
  media: ["base", "bytes"],
  session: ["base", "bytes", "wire", "media"],
  stream: ["base", "bytes", "wire", "media"],
  egress: ["base", "bytes", "wire", "media", "stream"],
};

const ringRules = Object.entries(rings).map(([ring, uses]) => ({
  name: `core-${ring}`,
  comment: `core/${ring} imports ${uses.join(", ") || "nothing"}`,
  severity: "error",
  from: { path: `^core/${ring}/` },
  to: { path: "^core/", pathNot: `^core/(${[ring, ...uses].join("|")})/` },
}));

/** Packages that server/ may use; each has its reason in docs/dependencies.md. */
const serverPackages = ["hono", "valibot", "mp4box", "@peculiar/[^/]+", "reflect-metadata"];

module.exports = {
  forbidden: [
    ...ringRules,
    {
      name: "core-is-pure",
      comment:
        "core imports nothing but core: no package, no built-in, nothing of the other folders",
      severity: "error",
      from: { path: "^core/" },
      to: { pathNot: "^core/" },
    },
    {
      name: "front-door",
      comment: "from outside a folder of core/wire or core/media, import its mod.ts",
      severity: "error",
      from: { path: "^(core/[^/]+/[^/]+|[^/]+)" },
      to: { path: "^core/(wire|media)/[^/]+/", pathNot: ["/mod\\.ts$", "^$1/"] },
    },
    {
      name: "runtime-knows-the-contract",
      comment: "runtime/ imports core/base and built-ins",
      severity: "error",
      from: { path: "^runtime/" },
      to: { dependencyTypesNot: ["core"], pathNot: "^(core/base/|runtime/)" },
    },
    {
      name: "runtimes-are-strangers",
      comment: "a runtime imports itself and runtime/common, never another runtime",
      severity: "error",
      from: { path: "^runtime/([^/.]+)", pathNot: "^runtime/mod\\.ts$" },
      to: { path: "^runtime/", pathNot: "^runtime/(common|$1)[/.]" },
    },
    {
      name: "server-diet",
      comment: "server/ imports core, itself and its packages; never a built-in, never a runtime",
      severity: "error",
      from: { path: "^server/" },
      to: { pathNot: `^(core|server)/|node_modules/(${serverPackages.join("|")})/` },
    },
    {
      name: "mod-is-thin",
      comment: "mod.ts imports server and runtime",
      severity: "error",
      from: { path: "^mod\\.ts$" },
      to: { pathNot: "^(server|runtime)/" },
    },
    {
      name: "web-talks-http",
      comment: "web/ imports nothing of ours and no package",
      severity: "error",
      from: { path: "^web/" },
      to: { pathNot: "^web/" },
    },
    {
      name: "nothing-ships-from-tests",
      severity: "error",
      from: { path: "^(core|runtime|server|web|mod\\.ts)" },
      to: { path: "^(tests|bench|scripts)/" },
    },
    {
      name: "no-cycles",
      comment: "a cycle that a type import closes is erased before anything runs",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "no-cycles-of-folders",
      comment: "between folders of core not even types go round",
      severity: "error",
      from: { path: "^core/([^/]+)/([^/]+)/" },
      to: { circular: true, via: { path: "^core/", pathNot: "^core/$1/$2/" } },
    },
    {
      name: "everything-resolves",
      severity: "error",
      from: { path: "^(core|runtime|server|web|mod\\.ts)" },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: "swc",
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    builtInModules: { add: ["bun", "bun:ffi"] },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".mjs", ".cjs", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default"],
    },
  },
};
