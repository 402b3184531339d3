// Where the secrets of a provisioning file can flow through anchors and aliases.
#pragma once

#include <set>

#include "plugins/grafana/merge.h"

namespace coffer::grafana {

struct TaintedPlaces {
  const std::set<NodeId>& secrets;          // The scalars.
  const std::set<NodeId>& datasource_maps;  // Their key secureJsonData may hold secrets, no other.
  const std::set<NodeId>& secure_maps;      // Their values may be secrets.
  const FlatMap& top;  // The document: secrets are under datasources, or under keys Grafana ignores.
};

// kInvalidArgument with the line when a secret is also part of a field that Grafana does not keep secret.
Status CheckTaint(const YamlTree& tree, const TaintedPlaces& places);

}  // namespace coffer::grafana
