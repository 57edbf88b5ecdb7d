#include "agent/step.h"

#include <array>

#include "base/error.h"

namespace lenscap::agent {
namespace {

struct StepRow {
  Step step;
  std::string_view name;
  bool needs_device;
  std::string_view doing;   // the operator's sentence while it is under way
  std::string_view failed;  // and the beginning of the one when it failed
};

constexpr std::array kSteps = {
    StepRow{Step::probe, "probe", true, "asking the device who it is", "could not talk to the device"},
    StepRow{Step::make_key, "make_key", true, "the device makes a key", "the device did not make a key"},
    StepRow{Step::place_order, "place_order", false, "ordering a certificate", "the certificate could not be ordered"},
    StepRow{Step::get_certificate, "get_certificate", false, "waiting for the certificate",
            "no certificate was issued"},
    StepRow{Step::install, "install", true, "installing the certificate", "the certificate could not be installed"},
    StepRow{Step::snapshot, "snapshot", true, "noting the HTTPS settings", "the HTTPS settings could not be read"},
    StepRow{Step::switch_https, "switch_https", true, "switching HTTPS to the new certificate",
            "HTTPS could not be switched to the new certificate"},
    StepRow{Step::verify_served, "verify_served", true, "checking what the device serves",
            "the device does not serve the new certificate as it should"},
    StepRow{Step::promote, "promote", false, "recording the new certificate", "the new certificate was not recorded"},
    StepRow{Step::remove_old, "remove_old", true, "removing our former certificate",
            "our former certificate is still on the device"},
    StepRow{Step::restore, "restore", true, "putting the HTTPS settings back",
            "the HTTPS settings could not be put back"},
    StepRow{Step::verify_restored, "verify_restored", true, "checking that the device serves as before",
            "the device does not serve as before"},
    StepRow{Step::discard, "discard", true, "removing the unfinished certificate",
            "the unfinished certificate is still on the device"},
};

StepRow const& row(Step step) {
  for (auto const& candidate : kSteps) {
    if (candidate.step == step) return candidate;
  }
  bug("Step out of range");
}

}  // namespace

std::string_view to_string(Step step) { return row(step).name; }
bool needs_device(Step step) { return row(step).needs_device; }

std::optional<Step> parse_step(std::string_view text) {
  for (auto const& candidate : kSteps) {
    if (candidate.name == text) return candidate.step;
  }
  return std::nullopt;
}

std::string_view doing(Step step) { return row(step).doing; }

std::string failed_sentence(Step step, std::string_view why) {
  std::string text(row(step).failed);
  if (!why.empty()) text.append(": ").append(why);
  return text;
}

}  // namespace lenscap::agent
