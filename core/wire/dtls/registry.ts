/** Numbers assigned by IANA that we speak, under the standards' names. @module */

/** RFC 6347 §4.1: the ones' complement of TLS 1.2's 3.3. */
export const DTLS_1_2 = 0xfefd;
/** Only in records around the first hellos (RFC 6347 §4.2.1). */
export const DTLS_1_0 = 0xfeff;

/** RFC 5246 §6.2.1. */
export const ContentType = {
  change_cipher_spec: 20,
  alert: 21,
  handshake: 22,
  application_data: 23,
} as const;

/** RFC 5246 §7.4, RFC 6347 §4.3.2. */
export const HandshakeType = {
  hello_request: 0,
  client_hello: 1,
  server_hello: 2,
  hello_verify_request: 3,
  certificate: 11,
  server_key_exchange: 12,
  certificate_request: 13,
  server_hello_done: 14,
  certificate_verify: 15,
  client_key_exchange: 16,
  finished: 20,
} as const;

/** RFC 5289 §3.2, RFC 5746 §3.3. */
export const CipherSuite = {
  TLS_EMPTY_RENEGOTIATION_INFO_SCSV: 0x00ff,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 0xc02b,
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 0xc02c,
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 0xc02f,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 0xc030,
} as const;

/** RFC 8422, RFC 5246, RFC 5764, RFC 7627, RFC 8446, RFC 5746. */
export const ExtensionType = {
  supported_groups: 10,
  ec_point_formats: 11,
  signature_algorithms: 13,
  use_srtp: 14,
  extended_master_secret: 23,
  supported_versions: 43,
  renegotiation_info: 65281,
} as const;

/** RFC 8422 §5.1.1. */
export const NamedGroup = { secp256r1: 23, secp384r1: 24, x25519: 29 } as const;

/** RFC 8422 §5.1.2: the only point format there still is. */
export const UNCOMPRESSED_POINT = 0;

/** RFC 5246 §7.4.1.4.1 with the PSS schemes of RFC 8446 §4.2.3, which TLS 1.2 may use too. */
export const SignatureScheme = {
  rsa_pkcs1_sha256: 0x0401,
  ecdsa_sha256: 0x0403,
  rsa_pkcs1_sha384: 0x0501,
  ecdsa_sha384: 0x0503,
  rsa_pkcs1_sha512: 0x0601,
  ecdsa_sha512: 0x0603,
  rsa_pss_rsae_sha256: 0x0804,
  rsa_pss_rsae_sha384: 0x0805,
  rsa_pss_rsae_sha512: 0x0806,
} as const;

/** RFC 5246 §7.4.4, RFC 8422 §5.5. */
export const ClientCertificateType = { rsa_sign: 1, ecdsa_sign: 64 } as const;

/** RFC 5764 §4.1.2, RFC 7714 §14.2. */
export const SrtpProtectionProfile = {
  SRTP_AES128_CM_HMAC_SHA1_80: 0x0001,
  SRTP_AEAD_AES_128_GCM: 0x0007,
  SRTP_AEAD_AES_256_GCM: 0x0008,
} as const;

/** RFC 5246 §7.2. */
export const AlertLevel = { warning: 1, fatal: 2 } as const;

/** RFC 5246 §7.2.2. */
export const AlertDescription = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  illegal_parameter: 47,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  internal_error: 80,
  user_canceled: 90,
  no_renegotiation: 100,
  unsupported_extension: 110,
} as const;
