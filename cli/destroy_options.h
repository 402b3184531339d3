// What the commands that schedule a destruction share.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include "cli/outcome.h"

namespace coffer::cli {

struct DestroyOptions {
  std::string name;
  std::string reason;
  std::string delay;
};

// The form of keyrings', tenants' and census sources' names.
CLI::Validator IsName();
// All but the name.
void AddDestroyOptions(CLI::App& command, DestroyOptions& options);
// In microseconds; 0 when it was not given.
Outcome<std::int64_t> DelayOf(const DestroyOptions& options);

template <typename Request>
Outcome<void> SetOrder(const DestroyOptions& options, Request& request) {
  COFFER_ASSIGN_OR_RETURN(const std::int64_t delay, DelayOf(options));
  request.set_name(options.name);
  request.set_reason(options.reason);
  request.set_delay_us(delay);
  return {};
}

}  // namespace coffer::cli
