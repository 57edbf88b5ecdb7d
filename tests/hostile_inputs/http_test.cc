// What is left of table H of hostile inputs: hellos that no TLS library would send, and a header that does not end,
// against the whole server. Framing has its table in tests/base/net/framing_cases.h. Whatever one connection does, the
// next one is served.
#include <gtest/gtest.h>
#include <poll.h>

#include "tests/hostile_inputs/wire.h"

namespace lenscap::hostile {
namespace {

using net::test::connect_raw;

std::string u16(std::size_t value) { return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)}; }
std::string u24(std::size_t value) { return static_cast<char>(value >> 16 & 0xff) + u16(value); }

// A handshake message ClientHello for TLS 1.2.
std::string hello(std::string const& compressions = std::string(1, '\0'), std::string const& more_extensions = "") {
  std::string const groups = u16(10) + u16(4) + u16(2) + u16(23);                        // P-256
  std::string const signatures = u16(13) + u16(6) + u16(4) + u16(0x0403) + u16(0x0804);  // ECDSA, RSA-PSS, SHA-256
  std::string const extensions = groups + signatures + more_extensions;
  std::string body = u16(0x0303) + std::string(32, 'r') + '\0';
  body += u16(4) + u16(0xc02b) + u16(0xc02f);  // ECDHE with AES-128-GCM
  body += static_cast<char>(compressions.size()) + compressions;
  body += u16(extensions.size()) + extensions;
  return '\x01' + u24(body.size()) + body;
}

// In records of at most `size` octets.
std::string records(std::string const& message, std::size_t size = 16'384) {
  std::string out;
  for (std::size_t at = 0; at < message.size(); at += size) {
    auto const piece = message.substr(at, size);
    out += '\x16' + u16(0x0301) + u16(piece.size()) + piece;
  }
  return out;
}

constexpr char kHandshake = 22, kAlert = 21;

class HostileTls : public ::testing::Test {
 protected:
  ServerOnWire on_wire;

  // Type and content of the first record that comes; 0 when the connection ends without one.
  std::pair<char, std::string> first_record(std::string const& octets) {
    auto connection = connect_raw(on_wire.port());
    connection.send(octets);
    auto const head = connection.read_exactly(5);
    if (head.size() < 5) return {0, ""};
    auto const size =
        static_cast<std::size_t>(static_cast<unsigned char>(head[3]) << 8 | static_cast<unsigned char>(head[4]));
    return {head[0], connection.read_exactly(size)};
  }
  bool serves() { return Wire(on_wire).is_open(); }
};

TEST_F(HostileTls, AGoodHelloIsAnswered) { EXPECT_EQ(first_record(records(hello())).first, kHandshake); }

TEST_F(HostileTls, CompressionIsNotChosen) {  // H-33
  auto const [type, content] = first_record(records(hello(std::string("\x01\x00", 2))));
  ASSERT_EQ(type, kHandshake);
  ASSERT_GT(content.size(), 40U);
  std::size_t const id_size = static_cast<unsigned char>(content[38]);
  ASSERT_GT(content.size(), 41 + id_size);
  EXPECT_EQ(content[41 + id_size], 0) << "compression in the ServerHello";
  // Who offers compression alone is refused.
  EXPECT_NE(first_record(records(hello("\x01"))).first, kHandshake);
  EXPECT_TRUE(serves());
}

TEST_F(HostileTls, AnSslV2HelloIsRefused) {  // H-35
  std::string body = std::string("\x01\x03\x01", 3) + u16(6) + u16(0) + u16(16);
  body += std::string("\x07\x00\xc0\x01\x00\x80", 6) + std::string(16, 'c');
  EXPECT_NE(first_record(u16(0x8000 | body.size()) + body).first, kHandshake);
  EXPECT_TRUE(serves());
}

TEST_F(HostileTls, AHelloInRecordsOfOneOctet) {  // H-36
  auto const type = first_record(records(hello(), 1)).first;
  EXPECT_TRUE(type == kHandshake || type == kAlert || type == 0) << int{type};
  // Records without anything, without end: refused, not read for ever.
  std::string empty;
  for (int i = 0; i < 10'000; ++i) empty += '\x16' + u16(0x0301) + u16(0);
  EXPECT_NE(first_record(empty).first, kHandshake);
  EXPECT_TRUE(serves());
}

TEST_F(HostileTls, AHugeHelloIsNotRead) {  // H-37
  auto connection = connect_raw(on_wire.port());
  auto const begin = '\x01' + u24(0xffffff);
  std::size_t sent = 0;
  connection.send(records(begin + std::string(1000, 'x')));
  auto const piece = records(std::string(16'384, 'x'));
  while (sent < (std::size_t{16} << 20) && connection.send(piece)) {
    sent += piece.size();
    pollfd end{connection.fd(), POLLIN, 0};
    if (::poll(&end, 1, 0) == 1) break;
  }
  EXPECT_LT(sent, std::size_t{8} << 20);
  EXPECT_TRUE(serves());
}

TEST_F(HostileTls, ThousandsOfExtensions) {  // H-38
  std::string extensions;
  for (std::size_t i = 0; i < 16'000; ++i) extensions += u16(0x1000 + i) + u16(0);
  auto const type = first_record(records(hello(std::string(1, '\0'), extensions))).first;
  EXPECT_TRUE(type == kHandshake || type == kAlert || type == 0) << int{type};
  std::string same;
  for (int i = 0; i < 1000; ++i) same += u16(35) + u16(0);
  EXPECT_NE(first_record(records(hello(std::string(1, '\0'), same))).first, kHandshake) << "one extension many times";
  EXPECT_TRUE(serves());
}

TEST_F(HostileTls, HundredsOfThousandsOfFields) {  // H-16
  auto connection = net::test::connect_tls(on_wire.port());
  std::string piece;
  for (int i = 0; i < 500; ++i) piece += "X: y\r\n";
  connection.send("GET /acme/directory HTTP/1.1\r\nHost: pki.cams.example:8443\r\n");
  for (int i = 0; i < 400 && connection.send(piece); ++i) {
    pollfd answered{connection.fd(), POLLIN, 0};
    if (::poll(&answered, 1, 0) == 1) break;
  }
  auto const response = connection.read_response();
  EXPECT_EQ(response.status, 431);
  EXPECT_EQ(response.header("Content-Type"), "application/problem+json");
  EXPECT_TRUE(connection.is_closed());
  EXPECT_TRUE(serves());
}

}  // namespace
}  // namespace lenscap::hostile
