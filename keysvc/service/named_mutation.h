// MutateNamed: the changes of KeyService that are about one name and ask for nothing else.
#pragma once

#include "keysvc/service/authorisation.h"
#include "keysvc/service/key_service.h"

namespace coffer::keysvc {

// Pipeline::Mutate with `act(KeyEngine&) -> Result<T>`; its records have the name, where it has a name's form.
template <typename Act>
auto MutateNamed(const Pipeline& pipeline, const Caller& caller, policy::Operation operation, const std::string& name,
                 const Act& act) {
  return pipeline.Mutate(
      caller, operation,
      [&](Unsealed& unsealed, CallRecord& record) -> decltype(act(*unsealed.keys)) {
        COFFER_TRY(Authorise(record, ActScope::Named(operation, name)));
        return act(*unsealed.keys);
      },
      Subject::Named(name));
}

}  // namespace coffer::keysvc
