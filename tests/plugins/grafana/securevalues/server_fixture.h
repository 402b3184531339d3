// ServerFixture: what serves Grafana, over a vault in memory.
#pragma once

#include "tests/plugins/grafana/securevalues/fake_vault.h"
#include "tests/plugins/grafana/securevalues/served_vault.h"

namespace coffer::grafana {

// What the vault's metadata says of values that identity "grafana" may decrypt.
inline const std::map<std::string, std::string> kForGrafana = {{"grafana-decrypters", "grafana"}};

class ServerFixture : public ::testing::Test {
 protected:
  void SetUp() override { served.Serve(vault.address(), "acme"); }

  static std::string PathOf(const std::string& name, const std::string& namespace_name = "default") {
    return ServedVault::PathOf(name, namespace_name);
  }

  FakeVault vault;
  ServedVault served;  // gone before its vault
  FakeClock& clock = served.clock;
};

}  // namespace coffer::grafana
