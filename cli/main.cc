// coffer: the command line of the key service.
#include "cli/program.h"

int main(int argc, char** argv) { return coffer::cli::RunProgram(argc, argv); }
