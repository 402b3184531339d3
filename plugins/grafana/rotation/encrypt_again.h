// A value of Grafana's under another key.
#pragma once

#include "plugins/grafana/database/secret_blob.h"

namespace coffer::grafana {

// `plaintext` under `key`, in the form of a blob: its data key's id or none, its cipher and how that is named. It was
// decrypted again and compared. kInternal: it does not come back.
Result<Bytes> EncryptAgain(const SecretBlob& form, const SecretBytes& plaintext, const SecretBytes& key);

}  // namespace coffer::grafana
