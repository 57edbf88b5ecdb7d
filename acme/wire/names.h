// The fixed words of ACME over HTTP: media types, header names, link relations, challenge types (RFC 8555 9).
// Names only; no rule is made here.
#pragma once

#include <string_view>

namespace lenscap::acme::names {

// Media types.
inline constexpr std::string_view kJoseJson = "application/jose+json";              // every request body (RFC 8555 6.2)
inline constexpr std::string_view kJson = "application/json";                       // objects and the directory
inline constexpr std::string_view kProblemJson = "application/problem+json";        // RFC 7807
inline constexpr std::string_view kPemChain = "application/pem-certificate-chain";  // RFC 8555 9.1
inline constexpr std::string_view kPkixCrl = "application/pkix-crl";                // one list, DER (RFC 2585)
inline constexpr std::string_view kOcspRequest = "application/ocsp-request";        // RFC 6960 C.1
inline constexpr std::string_view kOcspResponse = "application/ocsp-response";      // RFC 6960 C.2
inline constexpr std::string_view kPkixCert = "application/pkix-cert";              // one certificate, DER (RFC 2585)
inline constexpr std::string_view kPkcs7 = "application/pkcs7-mime";                // of several kinds (RFC 8551 3.2)
inline constexpr std::string_view kPkcs7CertsOnly = "application/pkcs7-mime; smime-type=certs-only";
inline constexpr std::string_view kPkcs7Certificates =
    "application/x-pkcs7-certificates";  // the same, to older programs

// Header fields.
inline constexpr std::string_view kReplayNonce = "Replay-Nonce";  // RFC 8555 6.5.1
inline constexpr std::string_view kLocation = "Location";
inline constexpr std::string_view kLink = "Link";
inline constexpr std::string_view kRetryAfter = "Retry-After";
inline constexpr std::string_view kContentType = "Content-Type";
inline constexpr std::string_view kCacheControl = "Cache-Control";
inline constexpr std::string_view kAllow = "Allow";

// Link relations.
inline constexpr std::string_view kRelIndex = "index";          // the directory (8555-7.1-2)
inline constexpr std::string_view kRelUp = "up";                // challenge -> authorization; certificate -> issuer
inline constexpr std::string_view kRelAlternate = "alternate";  // another chain
inline constexpr std::string_view kRelTermsOfService = "terms-of-service";
inline constexpr std::string_view kRelHelp = "help";
inline constexpr std::string_view kRelNext = "next";

// Problem types are this followed by the name in RFC 8555 6.7 (8555-6.7-2).
inline constexpr std::string_view kErrorUrn = "urn:ietf:params:acme:error:";

// Identifier types (RFC 8555 9.7.7, RFC 8738).
inline constexpr std::string_view kDns = "dns";
inline constexpr std::string_view kIp = "ip";

// Challenge types (RFC 8555 9.7.8, RFC 8737).
inline constexpr std::string_view kHttp01 = "http-01";
inline constexpr std::string_view kDns01 = "dns-01";
inline constexpr std::string_view kTlsAlpn01 = "tls-alpn-01";

// Where http-01 looks; the token follows (RFC 8555 8.3).
inline constexpr std::string_view kHttp01Path = "/.well-known/acme-challenge/";

}  // namespace lenscap::acme::names
