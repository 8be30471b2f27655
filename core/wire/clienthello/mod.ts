/** What a TLS client says before anything is agreed. @module */
export * from "./client_hello.ts";
