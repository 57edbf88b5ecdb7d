// The firmware generations: one column of switches each, an identity of a camera that ran such firmware, and the
// answers that are plain data (parameters, API list, ciphers).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/camsim/switches.h"

namespace lenscap::camsim {

struct Generation {
  std::string_view id;      // "G3"
  std::string_view serial;  // of the first device; later ones get made-up ones
  std::string_view product_number;
  std::string_view product_short;
  std::string_view product_full;
  std::string_view product_type;
  std::string_view firmware;
  std::string_view build_date;
  std::string_view architecture;
  std::string_view soc;
  std::string_view hardware_id;
  std::string_view ciphers;           // ':' between them; the factory configuration
  std::string_view ciphers_accepted;  // further ones that may be set
};

std::span<Generation const> generations();
Generation const* find_generation(std::string_view id);
Switches switches_of(Generation const& generation);

struct ApiRow {
  std::string_view id;
  std::string_view name;
  std::string_view version;
};
std::vector<ApiRow> api_list(Generation const& generation, Switches const& switches);

// Parameters that are the same for every camera of the generation, "Brand.Brand=AXIS" without "root.", in the order in
// which the camera lists them. {SERIAL}, {serial} and {MAC} are filled in by params.cc, live values replace theirs.
std::span<std::string_view const> parameters(Generation const& generation);

}  // namespace lenscap::camsim
