// What a device was asked and what it answered, for tests to assert on. Passwords, passphrases and private keys are
// replaced before an entry is stored; nothing else keeps a request.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tests/camsim/http.h"

namespace lenscap::camsim {

struct JournalEntry {
  std::uint64_t number = 0;  // counts from 1; gaps mean that older entries were dropped
  long long time = 0;        // the device's clock
  bool https = false;
  std::string tls_version;
  std::string sni;
  std::string method;
  std::string target;        // with secrets replaced
  std::string auth_used;     // "", "basic", "digest"
  bool auth_qop = false;     // Digest with qop
  std::string auth_offered;  // what the 401 offered
  std::string user;          // of a login that succeeded
  int status = 0;            // 0: no answer was given
  std::string operation;     // CGI method, SOAP body element, or REST verb and path
  std::string body;          // with secrets replaced
  std::string fault;         // the fault that struck
  bool basic_over_http = false;
  bool password_in_url = false;
  bool private_key_received = false;
  bool unknown_element = false;
};

// How often each was seen since the journal was cleared: counted as a request arrives, so that neither one that is
// never answered nor one that is too old to be kept is missing.
struct JournalFlags {
  int basic_over_http = 0;
  int password_in_url = 0;
  int private_key_received = 0;
  int unknown_element = 0;
};

class Journal {
 public:
  // Numbers the entry and keeps it; the oldest go when there are too many.
  void add(JournalEntry entry);
  // A fault that struck only after the answer: noted at the newest entry of the operation.
  void note_fault(std::string_view operation, std::string_view fault);
  void raise(int JournalFlags::*flag) { ++(counts_.*flag); }
  void clear() {
    entries_.clear();
    counts_ = {};
  }
  json::Object to_json() const;  // {"entries":[...],"flags":{"basic_over_http":0,...}}
  json::Object flags() const;

 private:
  std::deque<JournalEntry> entries_;
  JournalFlags counts_;
  std::uint64_t last_ = 0;
};

// Body and target without secrets.
std::string redact_body(std::string const& body);
std::string redact_target(Request const& request);
bool has_password(Request const& request);  // in the URL

}  // namespace lenscap::camsim
