// Every bound in one place; settings may narrow or widen those marked *. Where a number has a source, it is named.
#pragma once

#include <chrono>
#include <cstddef>

namespace lenscap::limits {

using std::chrono::seconds;

// HTTP server.
constexpr std::size_t kRequestBodyBytes = 64 * 1024;  // an order of 100 names with its CSR is under 24 KiB
constexpr std::size_t kRequestHeaderBytes = 16 * 1024;
constexpr std::size_t kRequestBytes = 96 * 1024;  // everything of one request, chunk extensions included
constexpr seconds kHandshakeDeadline{10};
constexpr seconds kHeaderDeadline{10};
constexpr seconds kBodyDeadline{20};
constexpr seconds kWriteDeadline{30};
constexpr seconds kIdleDeadline{60};  // *
// Who sends or takes octets more slowly than this, once the first seconds are over, is cut off before the deadline.
constexpr std::size_t kBytesPerSecond = 1000;
constexpr seconds kSlowStart{5};
constexpr seconds kHandlerDeadline{30};
constexpr std::size_t kConnectionsPerAddress = 64;  // *
constexpr std::size_t kConnections = 4096;          // *
constexpr std::size_t kPipelinedRequests = 8;

// ACME.
constexpr std::size_t kNamesPerOrder = 100;
constexpr std::size_t kCsrBytes = 16 * 1024;
constexpr std::size_t kPendingOrdersPerAccount = 300;  // *
constexpr seconds kPendingLifetime{24 * 3600};
constexpr seconds kGrantedAuthorizationLifetime{3600};
constexpr seconds kProvedAuthorizationLifetime{24 * 3600};  // a private network's addresses change hands
constexpr seconds kValidationDeadline{10};                  // one attempt
constexpr int kValidationAttempts = 3;
constexpr std::size_t kValidationBodyBytes = 1024;  // a key authorization is 87 characters
constexpr int kValidationRedirects = 10;            // as public CAs do; followed only when the settings say so

// CA.
constexpr seconds kBackdate{3600};
constexpr seconds kIssuerBackdate{24 * 3600};
constexpr seconds kLeafLifetime{90L * 24 * 3600};  // *
constexpr seconds kRootLifetime{20L * 365 * 24 * 3600};
constexpr seconds kServerCertificateLifetime{825L * 24 * 3600};  // what Apple accepts for private roots

// Agent and devices.
constexpr std::size_t kDevicesInProgress = 4;  // *
constexpr int kPasswordTries = 1;
constexpr seconds kVerifyServed{90};
constexpr seconds kVerifyServedWhileAway{180};
constexpr std::size_t kDeviceAnswerBytes = 1024 * 1024;
constexpr unsigned kXmlDepth = 32;

}  // namespace lenscap::limits
