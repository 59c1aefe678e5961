#ifndef MAAS_H
#define MAAS_H
#endif
