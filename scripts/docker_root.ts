/**
 * `npm run docker:root`: builds the image of Dockerfile and runs it where no Docker engine does. Buildah
 * runs the steps, on a base made of Debian's packages and npm's `node`; what the image says of its
 * program is then run in namespaces, as compose.yaml has it: no root, no capability, all read-only.
 * Needs root on Debian.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { findProgram, repository } from "../tests/tools.ts";
import { checkImage, type ImageConfig } from "./docker_image.ts";

const packages = ["buildah", "mmdebstrap", "uidmap", "util-linux", "iproute2"];
const folder = join(repository, ".cache", "docker_root");
const storage = ["--root", join(folder, "storage"), "--runroot", join(folder, "run")];
const image = "monoport";

process.exitCode = await main();

async function main(): Promise<number> {
  for (const tool of ["buildah", "mmdebstrap", "setpriv", "unshare", "ip"]) {
    if (findProgram(tool) !== undefined) continue;
    console.error(`${tool} is missing: apt-get install -y ${packages.join(" ")}`);
    return 2;
  }
  mkdirSync(folder, { recursive: true });
  const [, name = "", release = ""] =
    /^FROM (node:(\d+)-bookworm-slim) AS build$/m.exec(
      readFileSync(join(repository, "Dockerfile"), "utf8"),
    ) ?? [];
  if (name === "")
    throw new Error("Dockerfile begins with another image than node:N-bookworm-slim");
  buildBase(name, release);
  buildImage();
  return (await runImage()) ? 0 : 1;
}

/** Debian's packages, Node and npm of that release as npm has them, and the user `node`. */
function buildBase(name: string, release: string): void {
  const root = join(folder, "debian.tar");
  if (!existsSync(root)) {
    console.log("debian.tar: mmdebstrap");
    run("mmdebstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", root);
  }
  const node = join(folder, `node${release}`);
  if (!existsSync(join(node, "node_modules", "node", "bin", "node"))) {
    console.log(`node${release}: npm install`);
    run("npm", "install", "--no-save", "--prefix", node, `node@${release}`, "npm@11");
  }
  const lines = [
    "FROM scratch",
    "ADD debian.tar /",
    `COPY node${release}/node_modules/node/bin/node /usr/local/bin/node`,
    `COPY node${release}/node_modules/npm /usr/local/lib/node_modules/npm`,
    "RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\",
    " && groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node",
  ];
  // What this machine's own npm trusts, it trusts inside.
  const authorities = process.env["NODE_EXTRA_CA_CERTS"];
  if (authorities !== undefined && existsSync(authorities)) {
    copyFileSync(authorities, join(folder, "authorities.pem"));
    lines.push(
      "COPY authorities.pem /usr/local/share/",
      "ENV NODE_EXTRA_CA_CERTS=/usr/local/share/authorities.pem",
    );
  }
  writeFileSync(join(folder, "Base"), `${lines.join("\n")}\n`);
  buildah(
    "bud",
    "--isolation=chroot",
    "--tag",
    `docker.io/library/${name}`,
    "-f",
    join(folder, "Base"),
    folder,
  );
}

function buildImage(): void {
  const settings = join(homedir(), ".npmrc");
  const volumes = existsSync(settings) ? ["--volume", `${settings}:/root/.npmrc:ro`] : [];
  buildah(
    ...["bud", "--isolation=chroot", "--network=host", "--pull-never", "--format=docker"],
    ...[...volumes, "--tag", image, repository],
  );
}

/** Runs it in a root of its own; resolves to whether all of it held. */
async function runImage(): Promise<boolean> {
  const { Docker } = JSON.parse(buildah("inspect", "--type=image", image)) as {
    Docker: { config: ImageConfig };
  };
  const container = buildah("from", "--pull-never", image).trim();
  try {
    return await checkImage(buildah("mount", container).trim(), Docker.config);
  } finally {
    buildah("umount", container);
    buildah("rm", container);
    buildah("rmi", image);
    buildah("rmi", "--prune", "--force");
  }
}

function buildah(...args: readonly string[]): string {
  const all = [...storage, "--storage-driver=vfs", ...args];
  const quiet = args[0] !== "bud";
  return (
    execFileSync("buildah", all, {
      encoding: "utf8",
      stdio: ["ignore", quiet ? "pipe" : "inherit", "inherit"],
      timeout: 600_000,
    }) ?? ""
  );
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "inherit", "inherit"], timeout: 600_000 });
}
