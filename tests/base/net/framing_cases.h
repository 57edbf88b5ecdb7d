// Requests that two HTTP implementations may read in two ways, and some that are merely unusual: what the gate must
// say. The list serves the gate's own test, the session's test over sockets, and the fuzz corpus.
#pragma once

#include <string>
#include <vector>

namespace lenscap::net::test {

struct FramingCase {
  std::string name;
  std::string wire;
  int status;  // of the refusal; 0 = accepted
};

inline std::string get(std::string const& fields) { return "GET /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }
inline std::string post(std::string const& fields, std::string const& body = {}) {
  return "POST /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}
inline std::string line(std::string const& request_line) { return request_line + "\r\nHost: a\r\n\r\n"; }
inline std::string chunked(std::string const& body) { return post("Transfer-Encoding: chunked\r\n", body); }

inline std::vector<FramingCase> framing_cases() {
  std::string const nul(1, '\0');
  return {
      // accepted
      {"Get", get(""), 0},
      {"GetVersion10", "GET / HTTP/1.0\r\nHost: a\r\n\r\n", 0},
      {"PostWithLength", post("Content-Length: 5\r\n", "hello"), 0},
      {"PostWithLengthZero", post("Content-Length: 0\r\n"), 0},
      {"GetWithLengthZero", get("Content-Length: 0\r\n"), 0},
      {"FieldWithoutSpaces", "GET / HTTP/1.1\r\nHost:a\r\n\r\n", 0},
      {"FieldWithManySpaces", "GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n", 0},
      {"FieldEmpty", get("X-Empty:\r\n"), 0},
      {"FieldWithEightBits", get("User-Agent: caf\xe9\r\n"), 0},
      {"TargetWithQuery", line("GET /a/b?c=/../d&e=%20 HTTP/1.1"), 0},
      {"TargetWithDotsInName", line("GET /a..b/...c/.well-known/x HTTP/1.1"), 0},
      {"HostWithPort", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:8443\r\n\r\n", 0},
      // H-21
      {"Upgrade", get("Connection: Upgrade\r\nUpgrade: h2c\r\n"), 0},
      {"ExpectContinue", post("Expect: 100-Continue\r\nContent-Length: 2\r\n", "ok"), 0},
      {"ExpectUnknownVersion10", "POST / HTTP/1.0\r\nHost: a\r\nExpect: x\r\nContent-Length: 1\r\n\r\n1", 0},
      {"Chunked", chunked("5\r\nhello\r\n0\r\n\r\n"), 0},
      {"ChunkedManyChunks", chunked("1\r\nh\r\n4\r\nello\r\nA\r\n0123456789\r\n0\r\n\r\n"), 0},
      {"ChunkedEmpty", chunked("0\r\n\r\n"), 0},
      {"ChunkedWithLineEndsInside", chunked("4\r\n\r\n0\n\r\n0\r\n\r\n"), 0},
      {"FieldWithUnderscore", get("X_Forwarded: 1\r\n"), 0},

      // two lengths: H-01 H-02 H-08 H-12
      {"LengthThenChunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"ChunkedThenLength", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"LengthTwiceDiffers", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!"), 400},
      {"LengthTwiceSame", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {"LengthList", post("Content-Length: 5, 5\r\n", "hello"), 400},
      {"LengthPlus", post("Content-Length: +5\r\n", "hello"), 400},
      {"LengthMinus", post("Content-Length: -1\r\n"), 400},
      {"LengthHex", post("Content-Length: 0x5\r\n", "hello"), 400},
      {"LengthLeadingZero", post("Content-Length: 05\r\n", "hello"), 400},
      {"LengthEmpty", post("Content-Length:\r\n"), 400},
      {"LengthInnerSpace", post("Content-Length: 5 5\r\n", "hello"), 400},
      {"LengthOverflow64", post("Content-Length: 18446744073709551621\r\n", "hello"), 400},
      {"LengthOverflow63", post("Content-Length: 9223372036854775808\r\n", "hello"), 400},
      {"LengthUnderscore", post("Content-Length: 5\r\nContent_Length: 6\r\n", "hello"), 400},
      {"LengthUnderscoreAlone", get("Content_Length: 6\r\n"), 400},
      {"EncodingUnderscore", post("Transfer_Encoding: chunked\r\nContent-Length: 1\r\n", "1"), 400},
      {"LengthTooLarge", post("Content-Length: 65537\r\n"), 413},
      {"LengthFarTooLarge", post("Content-Length: 999999999999999999\r\n"), 413},
      {"LengthMissing", post(""), 411},
      {"LengthMissingPut", line("PUT /x HTTP/1.1"), 411},

      // codings: H-07
      {"EncodingGzip", post("Transfer-Encoding: gzip\r\n"), 400},
      {"EncodingChunkedGzip", post("Transfer-Encoding: chunked, gzip\r\n"), 400},
      {"EncodingGzipChunked", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400},
      {"EncodingIdentityWithLength", post("Transfer-Encoding: identity\r\nContent-Length: 5\r\n", "hello"), 400},
      {"EncodingX", post("Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n", "hello"), 400},
      {"EncodingTwice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400},
      {"EncodingTwiceInList", post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n"), 400},
      {"EncodingEmpty", post("Transfer-Encoding:\r\n"), 400},
      {"EncodingUpperCase", post("Transfer-Encoding: Chunked\r\n", "0\r\n\r\n"), 400},
      {"EncodingVersion10", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"EncodingVerticalTab",
       post("Transfer-Encoding: \x0b"
            "chunked\r\n",
            "0\r\n\r\n"),
       400},

      // chunks: H-05 H-06 H-14 H-18
      {"ChunkHexPrefix", chunked("0x1\r\na\r\n0\r\n\r\n"), 400},
      {"ChunkOverflow", chunked("10000000000000001\r\na\r\n0\r\n\r\n"), 400},
      {"ChunkNegative", chunked("-1\r\na\r\n0\r\n\r\n"), 400},
      {"ChunkSizeEmpty", chunked("\r\na\r\n0\r\n\r\n"), 400},
      {"ChunkSizeSpace", chunked("1 \r\na\r\n0\r\n\r\n"), 400},
      {"ChunkSizeBareLf", chunked("1\na\r\n0\r\n\r\n"), 400},
      {"ChunkSizeCrX", chunked("1\rxa\r\n0\r\n\r\n"), 400},
      {"ChunkExtension", chunked("1;a=b\r\na\r\n0\r\n\r\n"), 400},
      {"ChunkExtensionLong", chunked("1;" + std::string(10'000, 'a') + "\r\na\r\n0\r\n\r\n"), 400},
      {"ChunkShort", chunked("1\r\nab\r\n0\r\n\r\n"), 400},
      {"ChunkEndBareLf", chunked("1\r\na\n0\r\n\r\n"), 400},
      {"ChunkTooLarge", chunked("10001\r\n"), 413},
      {"ChunksTooLarge", chunked("8000\r\n" + std::string(0x8000, 'a') + "\r\n8001\r\n"), 413},
      {"Trailer", chunked("0\r\nX: 1\r\n\r\n"), 400},
      {"TrailerLength", chunked("0\r\nContent-Length: 1\r\n\r\n"), 400},
      {"TrailerLong", chunked("0\r\nX: " + std::string(40'000, 'a') + "\r\n\r\n"), 400},

      // lines: H-03 H-09
      {"SpaceBeforeColon", post("Content-Length : 5\r\n", "hello"), 400},
      {"BareLf", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"BareLfInField", get("X: 1\nY: 2\r\n"), 400},
      {"BareCr", get("X: 1\rY: 2\r\n"), 400},
      {"CrCrLf", get("X: 1\r\r\n"), 400},
      {"NulInValue", get("X: a" + nul + "b\r\n"), 400},
      {"NulInName", get("X" + nul + ": a\r\n"), 400},
      {"NulInTarget", line("GET /a" + nul + " HTTP/1.1"), 400},
      {"Folded", get("X: 1\r\n 2\r\n"), 400},
      {"FoldedTab", get("X: 1\r\n\t2\r\n"), 400},
      {"FoldedFirst", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"NameEmpty", get(": 1\r\n"), 400},
      {"NameWithSpace", get("X Y: 1\r\n"), 400},
      {"NoColon", get("X\r\n"), 400},
      {"LeadingEmptyLine", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},

      // request line: H-04 H-11 H-13
      {"Version20", line("GET / HTTP/2.0"), 400},
      {"Version12", line("GET / HTTP/1.2"), 400},
      {"Version09", line("GET / HTTP/0.9"), 400},
      {"VersionLowerCase", line("GET / http/1.1"), 400},
      {"VersionMissing", line("GET /"), 400},
      {"VersionTrailingSpace", line("GET / HTTP/1.1 "), 400},
      {"TwoSpaces", line("GET  / HTTP/1.1"), 400},
      {"TabForSpace", line("GET\t/ HTTP/1.1"), 400},
      {"MethodMalformed", line("G(T / HTTP/1.1"), 400},
      {"MethodLong", line(std::string(17, 'A') + " / HTTP/1.1"), 400},
      {"TlsHello", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400},
      {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
      {"TargetAbsolute", line("GET http://a/ HTTP/1.1"), 400},
      {"TargetAsterisk", line("OPTIONS * HTTP/1.1"), 400},
      {"TargetAuthority", line("CONNECT a:443 HTTP/1.1"), 400},
      {"TargetFragment", line("GET /a#b HTTP/1.1"), 400},
      {"TargetDotDot", line("GET /a/../b HTTP/1.1"), 400},
      {"TargetDotDotLast", line("GET /a/.. HTTP/1.1"), 400},
      {"TargetDot", line("GET /./a HTTP/1.1"), 400},
      {"TargetDotDotCoded", line("GET /a/%2E%2e/b HTTP/1.1"), 400},
      {"TargetDotDotHalfCoded", line("GET /a/.%2e HTTP/1.1"), 400},
      {"TargetEightBits", line("GET /caf\xe9 HTTP/1.1"), 400},
      {"TargetBackslash", line("GET /a\\b HTTP/1.1"), 400},
      {"TargetPercent", line("GET /a% HTTP/1.1"), 400},
      {"TargetPercentOneDigit", line("GET /a%2 HTTP/1.1"), 400},
      {"TargetSpace", line("GET /a b HTTP/1.1"), 400},
      {"TargetLong", line("GET /" + std::string(4096, 'a') + " HTTP/1.1"), 414},

      // Host: H-10
      {"ConnectionMalformed", get("Connection: close; x\r\n"), 400},
      {"ConnectionWithEmptyOptions", get("Connection: , close,,\r\n"), 0},

      {"HostMissing", "GET / HTTP/1.1\r\n\r\n", 400},
      {"HostMissingVersion10", "GET / HTTP/1.0\r\n\r\n", 400},
      {"HostTwice", get("Host: a\r\n"), 400},
      {"HostTwiceDiffers", get("Host: b\r\n"), 400},
      {"HostEmpty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"HostWithSlash", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"HostWithUser", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"HostEightBits", "GET / HTTP/1.1\r\nHost: caf\xe9\r\n\r\n", 400},

      // bodies where none belong: H-19
      {"GetWithBody", get("Content-Length: 5\r\n") + "hello", 400},
      {"GetChunked", get("Transfer-Encoding: chunked\r\n") + "0\r\n\r\n", 400},
      {"DeleteWithBody", "DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1", 400},

      {"ExpectUnknown", post("Expect: 200-ok\r\nContent-Length: 1\r\n", "1"), 417},
      {"ExpectTwice", post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 1\r\n", "1"), 417},

      // sizes: H-15 H-17
      {"FieldLong", get("X: " + std::string(65'536, 'a') + "\r\n"), 431},
      {"FieldWithoutEnd", "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'a'), 431},
      {"FieldsMany",
       [] {
         std::string fields;
         for (int i = 0; i < 64; ++i) fields += "X: 1\r\n";
         return get(fields);
       }(),
       431},
      {"RequestLineWithoutEnd", std::string(20'000, 'A'), 431},
  };
}

}  // namespace lenscap::net::test
