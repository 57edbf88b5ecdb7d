#include "acme/server/issuing.h"

namespace lenscap::acme {

net::Awaitable<Result<ca::Draft>> Issuing::prepare(ca::IssueRequest request, Time now, std::string only_issuer) {
  std::optional<Result<ca::Draft>> draft;
  auto job = [&] { draft.emplace(authority_.prepare(request, now, only_issuer)); };
  if (prepares_in_place_) {
    job();
    co_return *std::move(draft);
  }
  std::function<void()> work = std::ref(job);  // this frame outlives it
  co_await pool_.run(work);
  co_return *std::move(draft);
}

net::Awaitable<Result<x509::Certificate>> Issuing::sign(ca::Draft draft) {
  std::optional<Result<x509::Certificate>> certificate;
  auto job = [&] {
    try {
      certificate.emplace(authority_.sign(std::move(draft)));
    } catch (std::exception const& e) {
      log_.error("issue.sign_failed", {{"error", e.what()}});
      certificate.emplace(Error(Errc::internal, "the issuing key could not be used"));
    }
  };
  if (is_short_) {
    job();
    co_return *std::move(certificate);
  }
  std::function<void()> work = std::ref(job);
  co_await pool_.run(work);
  co_return *std::move(certificate);
}

}  // namespace lenscap::acme
