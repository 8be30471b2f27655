/** Counters and gauges, in the text format of Prometheus (version 0.0.4). @module */
import type { Fault } from "../core/base/mod.ts";

interface Family {
  readonly help: string;
  readonly type: "counter" | "gauge";
  readonly label: string;
  /** By value of the label; "" where there is none. */
  readonly values: Map<string, number>;
  read: (() => number) | undefined;
}

export class Metrics {
  readonly #families = new Map<string, Family>();

  /** Declares a counter; `label` names its only label. */
  counter(name: string, help: string, label = ""): void {
    const values = new Map<string, number>(label === "" ? [["", 0]] : []);
    this.#families.set(name, { help, type: "counter", label, values, read: undefined });
  }

  /** Declares a gauge that is read when metrics are asked for. */
  gauge(name: string, help: string, read: () => number): void {
    this.#families.set(name, { help, type: "gauge", label: "", values: new Map(), read });
  }

  /** Makes a declared counter without label one that is read when metrics are asked for. */
  follow(name: string, read: () => number): void {
    const family = this.#families.get(name);
    if (family === undefined) throw new Error(`Cannot follow ${name}: it is not declared`);
    family.values.clear();
    family.read = read;
  }

  /** Adds to a declared counter. Label values are ours (codes, protocols), never a peer's text. */
  count(name: string, labelValue = "", by = 1): void {
    const values = this.#families.get(name)?.values;
    if (values === undefined) throw new Error(`Cannot count ${name}: it is not declared`);
    values.set(labelValue, (values.get(labelValue) ?? 0) + by);
  }

  /** What a peer did wrong, by the fault's layer and code. */
  fault(fault: Fault): void {
    this.count("monoport_faults_total", `${fault.layer}/${fault.code}`);
  }

  value(name: string, labelValue = ""): number {
    const family = this.#families.get(name);
    return family?.read?.() ?? family?.values.get(labelValue) ?? 0;
  }

  render(): string {
    let out = "";
    for (const [name, family] of this.#families) {
      out += `# HELP ${name} ${family.help}\n# TYPE ${name} ${family.type}\n`;
      if (family.read !== undefined) out += `${name} ${family.read()}\n`;
      for (const [value, count] of family.values) {
        const label = family.label === "" ? "" : `{${family.label}="${value}"}`;
        out += `${name}${label} ${count}\n`;
      }
    }
    return out;
  }
}

/** The metrics of a server, declared in one place so that docs can list them. */
export function serverMetrics(): Metrics {
  const metrics = new Metrics();
  metrics.counter(
    "monoport_connections_total",
    "TCP connections accepted, by what they turned out to be",
    "protocol",
  );
  metrics.counter(
    "monoport_connections_shed_total",
    "Connections closed by us before they proved themselves",
    "reason",
  );
  metrics.counter(
    "monoport_proxied_connections_total",
    "Connections with a PROXY header of a listed balancer",
    "version",
  );
  declareTlsMetrics(metrics);
  metrics.counter("monoport_accept_errors_total", "Failures to accept a connection", "code");
  metrics.counter("monoport_faults_total", "What peers did wrong, by rule", "fault");
  metrics.counter(
    "monoport_http_requests_total",
    "HTTP requests answered, by status class",
    "status",
  );
  metrics.counter(
    "monoport_sessions_unreached_total",
    "WebRTC sessions without STUN within 5 s, by likely cause",
    "cause",
  );
  metrics.counter(
    "monoport_name_lookups_total",
    "Host names of candidates looked up, by what came of it",
    "result",
  );
  metrics.counter("monoport_sessions_total", "Sessions made", "role");
  metrics.counter(
    "monoport_sessions_refused_total",
    "Publishing or playing refused, by status",
    "status",
  );
  metrics.counter(
    "monoport_sessions_ended_total",
    "Sessions ended by us or lost, by reason",
    "reason",
  );
  declarePaths(metrics);
  metrics.counter("monoport_received_packets_total", "RTP packets received from publishers");
  metrics.counter("monoport_received_bytes_total", "RTP bytes received from publishers");
  metrics.counter("monoport_sent_packets_total", "RTP packets sent to viewers");
  metrics.counter("monoport_sent_bytes_total", "RTP bytes sent to viewers, as on the wire");
  declareViewers(metrics);
  metrics.counter("monoport_diagnose_tests_total", "Tests of /diagnose, by kind", "test");
  declareSignalling(metrics);
  metrics.counter("monoport_keyframe_requests_total", "Keyframes asked from publishers");
  declareRelayMetrics(metrics);
  declareTranscoding(metrics);
  declareHooks(metrics);
  declareHls(metrics);
  declareRecordings(metrics);
  return metrics;
}

function declareHooks(metrics: Metrics): void {
  metrics.counter("monoport_downloaded_bytes_total", "Bytes of recordings read to be sent");
  metrics.counter("monoport_hooks_total", "Calls of HTTP hooks, by hook and result", "result");
}

function declareHls(metrics: Metrics): void {
  metrics.counter("monoport_hls_sent_bytes_total", "Bytes of HLS segments and parts sent");
  metrics.counter("monoport_hls_files_segments_total", "HLS segments written to files");
  metrics.counter(
    "monoport_hls_files_dropped_total",
    "HLS segments left out of the files, for the disk was slow",
  );
  metrics.counter(
    "monoport_hls_files_failed_total",
    "Streams whose HLS files ended with an error, by the system's code",
    "code",
  );
}

function declareTranscoding(metrics: Metrics): void {
  metrics.counter("monoport_transcoded_packets_total", "Packets of sound given to transcoders");
  metrics.counter(
    "monoport_transcode_dropped_total",
    "Packets of sound that were not transcoded, by reason",
    "reason",
  );
  metrics.counter(
    "monoport_transcode_restarts_total",
    "Times that codecs.wasm or its thread was started anew",
  );
}

function declareViewers(metrics: Metrics): void {
  metrics.counter(
    "monoport_retransmitted_packets_total",
    "RTP packets sent to viewers again, on their NACK",
  );
  metrics.counter("monoport_viewer_falls_total", "Times that a viewer fell behind");
  metrics.counter("monoport_dropped_frames_total", "Frames dropped for viewers who fell behind");
  metrics.counter(
    "monoport_dropped_packets_total",
    "RTP packets dropped for viewers who fell behind",
  );
  metrics.counter("monoport_flv_sent_bytes_total", "Bytes sent to FLV and RTMP viewers");
  metrics.counter(
    "monoport_flv_dropped_frames_total",
    "Frames dropped for FLV and RTMP viewers who fell behind",
  );
  metrics.counter("monoport_ts_sent_bytes_total", "Bytes sent to MPEG-TS and AAC viewers");
  metrics.counter(
    "monoport_ts_dropped_frames_total",
    "Frames dropped for MPEG-TS and AAC viewers who fell behind",
  );
  metrics.counter("monoport_layer_switches_total", "Changes of a viewer to another layer");
}

function declareTlsMetrics(metrics: Metrics): void {
  metrics.counter(
    "monoport_tls_connections_total",
    "TLS handshakes done, by what was inside",
    "protocol",
  );
  metrics.counter(
    "monoport_tls_handshakes_failed_total",
    "TLS connections without a handshake done",
    "reason",
  );
  metrics.counter(
    "monoport_acme_orders_total",
    "Certificates ordered from a CA, by outcome",
    "result",
  );
}

function declareSignalling(metrics: Metrics): void {
  metrics.counter(
    "monoport_api_logins_refused_total",
    "Requests to the API with a wrong password, or after too many of them",
    "reason",
  );
  metrics.counter(
    "monoport_requests_limited_total",
    "Signalling requests answered 429 for their rate",
  );
  metrics.counter("monoport_redirects_total", "Offers sent on to another server by a 307");
  metrics.counter("monoport_counter_offers_total", "Offers made to viewers by a 406 of WHEP");
  metrics.counter("monoport_ice_restarts_total", "ICE restarts by PATCH");
}

function declarePaths(metrics: Metrics): void {
  metrics.counter(
    "monoport_clients_held_back_total",
    "Times that a client was held back, for it sent more than it may",
    "limit",
  );
  metrics.counter(
    "monoport_paths_selected_total",
    "Sessions' media turned to a path, by its transport",
    "transport",
  );
  metrics.counter("monoport_datagrams_received_total", "UDP datagrams that belonged to a session");
  metrics.counter("monoport_datagrams_dropped_total", "UDP datagrams dropped unread", "reason");
}

function declareRelayMetrics(metrics: Metrics): void {
  metrics.counter(
    "monoport_relay_attempts_total",
    "Sessions tried with other servers, to push or pull",
    "kind",
  );
  metrics.counter("monoport_relay_failures_total", "Those that failed or ended", "kind");
}

function declareRecordings(metrics: Metrics): void {
  metrics.counter("monoport_recordings_total", "Recordings begun, by who asked", "by");
  metrics.counter(
    "monoport_recordings_failed_total",
    "Recordings that failed or were not begun, by the system's error code",
    "code",
  );
  metrics.counter("monoport_recordings_slow_total", "Times that the disk was too slow");
  metrics.counter(
    "monoport_recording_dropped_frames_total",
    "Frames left out of recordings, for the disk was slow",
  );
  metrics.counter("monoport_recorded_bytes_total", "Bytes written to files while streams ran");
  metrics.counter(
    "monoport_recorded_files_total",
    "Files recorded, by whether they got their last form",
    "form",
  );
  metrics.counter(
    "monoport_recordings_deleted_total",
    "Finished recordings deleted for their age or the size of all",
    "for",
  );
  metrics.counter(
    "monoport_recordings_not_deleted_total",
    "Attempts to do so that failed, by the system's error code",
    "code",
  );
}
